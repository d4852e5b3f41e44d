namespace Distributed.Learning;

/// <summary>What changes a parameter.</summary>
public enum ParameterKind
{
    /// <summary>The optimizer, by its gradient.</summary>
    Trainable,

    /// <summary>A mean or variance that follows the training data, for evaluation; it has no gradient.</summary>
    RunningStatistic,
}

/// <summary>
/// One parameter or running statistic in the block. In PyTorch it is [outputs, inputs, rows, columns] (the last
/// dimensions missing or flattened where <see cref="Shape"/> says so); in memory it is [rows][columns][inputs]
/// [outputs]. That one permutation serves convolutions, linear layers, linear layers behind a flatten, and vectors. The
/// weights of a convolution's groups follow each other, each permuted for itself.
/// </summary>
public sealed class ParameterEntry
{
    private readonly int _inputs;
    private readonly int _rows;
    private readonly int _columns;
    private readonly int _groups;

    internal ParameterEntry(
        int index, string name, int[] shape, int offset, int outputs, int inputs, int rows, int columns,
        Initialization initialization, ParameterKind kind = ParameterKind.Trainable, int groups = 1)
    {
        Index = index;
        Name = name;
        Shape = shape;
        Offset = offset;
        Length = outputs * inputs * rows * columns;
        Outputs = outputs;
        Kind = kind;
        Initialization = initialization;
        (_inputs, _rows, _columns, _groups) = (inputs, rows, columns, groups);
    }

    /// <summary>Its place in <see cref="ParameterLayout.Entries"/>.</summary>
    public int Index { get; }

    /// <summary>PyTorch's name in an <c>nn.Sequential</c>, for instance "0.weight".</summary>
    public string Name { get; }

    /// <summary>PyTorch's shape.</summary>
    public IReadOnlyList<int> Shape { get; }

    /// <summary>Where it starts in the block, in floats; a multiple of 16.</summary>
    public int Offset { get; }

    /// <summary>Floats, without padding.</summary>
    public int Length { get; }

    /// <summary>What changes it.</summary>
    public ParameterKind Kind { get; }

    internal int Outputs { get; }

    internal int FanIn => _inputs * _rows * _columns;

    internal int FanOut => Shape.Count == 4 ? Outputs * Shape[2] * Shape[3] : Outputs;

    internal Initialization Initialization { get; }

    /// <summary>Copies from memory order to PyTorch's order.</summary>
    internal void ToFile(ReadOnlySpan<float> memory, Span<float> file)
    {
        var outputs = Outputs / _groups;
        for (var place = 0; place < _groups * FanIn; place++)
        {
            var start = FileStart(place);
            var values = memory.Slice(place * outputs, outputs);
            for (var output = 0; output < values.Length; output++)
                file[start + output * FanIn] = values[output];
        }
    }

    /// <summary>Copies from PyTorch's order to memory order.</summary>
    internal void FromFile(ReadOnlySpan<float> file, Span<float> memory)
    {
        var outputs = Outputs / _groups;
        for (var place = 0; place < _groups * FanIn; place++)
        {
            var start = FileStart(place);
            var values = memory.Slice(place * outputs, outputs);
            for (var output = 0; output < values.Length; output++)
                values[output] = file[start + output * FanIn];
        }
    }

    /// <summary>
    /// Where the weight of memory place (group, row, column, input) of the group's first output stands in PyTorch's
    /// order (group, output, input, row, column).
    /// </summary>
    private int FileStart(int place)
    {
        var (group, placeInGroup) = Math.DivRem(place, FanIn);
        var (pixel, input) = Math.DivRem(placeInGroup, _inputs);
        return group * (Length / _groups) + input * _rows * _columns + pixel;
    }
}
