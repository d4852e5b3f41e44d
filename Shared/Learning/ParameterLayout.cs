using Distributed.Numerics;

namespace Distributed.Learning;

/// <summary>
/// Where each parameter of a model lies in one contiguous block: first the trainable parameters, then the running
/// statistics of batch norms. Entries start at multiples of 16 floats; the padding between them is always 0.
/// States of an optimizer have the same layout. A gradient block has that of the trainable part, and behind it the
/// batch norms' statistics of the samples, in double (see <see cref="BatchStatistics"/>).
/// </summary>
public sealed class ParameterLayout
{
    private readonly Dictionary<string, ParameterEntry> _byName;

    internal ParameterLayout(ModelDeclaration declaration)
    {
        Trainable = declaration.Parameters;
        TrainableLength = declaration.TrainableLength;
        var (length, gradientLength) = (TrainableLength, TrainableLength);
        Count = Trainable.Sum(entry => entry.Length);
        List<ParameterEntry> entries = [.. Trainable];
        List<BatchStatistics> statistics = [];
        foreach (var batchNorm in declaration.BatchNorms)
        {
            var mean = AddStatistic(batchNorm, "running_mean", Initialization.Constant(0));
            var variance = AddStatistic(batchNorm, "running_var", Initialization.Constant(1));
            statistics.Add(new BatchStatistics(batchNorm.Name, gradientLength, batchNorm.Momentum, mean, variance));
            gradientLength = checked(gradientLength + BufferPlacement.Align(statistics[^1].Length));
        }
        Entries = entries;
        Statistics = statistics;
        (Length, GradientLength) = (length, gradientLength);
        _byName = Entries.ToDictionary(entry => entry.Name);

        ParameterEntry AddStatistic(BatchNormDeclaration batchNorm, string kind, Initialization initialization)
        {
            var entry = new ParameterEntry(
                entries.Count, $"{batchNorm.Name}.{kind}", [batchNorm.Channels], length, batchNorm.Channels, 1, 1, 1,
                initialization, ParameterKind.RunningStatistic);
            entries.Add(entry);
            length = checked(length + BufferPlacement.Align(entry.Length));
            return entry;
        }
    }

    /// <summary>
    /// Parameters in the order of the layers, then running statistics in that order; a prefix of it is
    /// <see cref="Trainable"/>.
    /// </summary>
    public IReadOnlyList<ParameterEntry> Entries { get; }

    /// <summary>The trainable parameters, in the order of the layers.</summary>
    public IReadOnlyList<ParameterEntry> Trainable { get; }

    /// <summary>Floats of the parameter block, padding included.</summary>
    public int Length { get; }

    /// <summary>Floats of its trainable part, padding included.</summary>
    public int TrainableLength { get; }

    /// <summary>Floats of a gradient block, padding included.</summary>
    public int GradientLength { get; }

    /// <summary>Trainable parameters, without padding.</summary>
    public int Count { get; }

    internal IReadOnlyList<BatchStatistics> Statistics { get; }

    /// <summary>The layout of a model's parameters.</summary>
    /// <exception cref="ModelException">The model has a mistake.</exception>
    public static ParameterLayout Of(Model model) => new(ModelDeclaration.Of(model));

    /// <summary>The entry of that name, or null.</summary>
    public ParameterEntry? Find(string name) => _byName.GetValueOrDefault(name);

    /// <summary>
    /// left += right, for gradient blocks: gradients are added, statistics of samples joined. The same bits with the
    /// two exchanged.
    /// </summary>
    public void AddGradients(Span<float> left, ReadOnlySpan<float> right)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(left.Length, GradientLength);
        ArgumentOutOfRangeException.ThrowIfNotEqual(right.Length, GradientLength);
        Elementwise.Add(left[..TrainableLength], right[..TrainableLength], left[..TrainableLength]);
        for (var i = 0; i < Statistics.Count; i++)
            BatchNorm.Join(Statistics[i].In(left), Statistics[i].In(right));
    }

    /// <summary>
    /// Moves the running statistics of a parameter block by the statistics of a step's samples, once a step.
    /// </summary>
    public void MoveRunningStatistics(Span<float> parameters, ReadOnlySpan<float> gradient)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(parameters.Length, Length);
        ArgumentOutOfRangeException.ThrowIfNotEqual(gradient.Length, GradientLength);
        for (var i = 0; i < Statistics.Count; i++)
        {
            var (mean, variance) = (Statistics[i].Mean, Statistics[i].Variance);
            BatchNorm.MoveRunning(
                Statistics[i].In(gradient), Statistics[i].Momentum, parameters.Slice(mean.Offset, mean.Length),
                parameters.Slice(variance.Offset, variance.Length));
        }
    }

    /// <summary>
    /// Copies one parameter out of the block into PyTorch's order; <paramref name="file"/> has its length.
    /// </summary>
    /// <param name="entry">The parameter.</param>
    /// <param name="block">A parameter block, or for a trainable one any block that begins like it.</param>
    /// <param name="file">Overwritten.</param>
    public void Export(ParameterEntry entry, ReadOnlySpan<float> block, Span<float> file)
    {
        RequireLengths(entry, block.Length, file.Length);
        entry.ToFile(block.Slice(entry.Offset, entry.Length), file);
    }

    /// <summary>
    /// Copies one parameter from PyTorch's order into the block; <paramref name="file"/> has its length.
    /// </summary>
    /// <param name="entry">The parameter.</param>
    /// <param name="file">Its values.</param>
    /// <param name="block">A parameter block, or for a trainable one any block that begins like it.</param>
    public void Import(ParameterEntry entry, ReadOnlySpan<float> file, Span<float> block)
    {
        RequireLengths(entry, block.Length, file.Length);
        entry.FromFile(file, block.Slice(entry.Offset, entry.Length));
    }

    /// <summary>
    /// Fills the block with starting values: weights by their layer's <see cref="Initialization"/>, zero biases, norms
    /// that change nothing, zero padding. A value is a function of the seed, its parameter's place
    /// in the model and its position in PyTorch's order, so it depends on no memory layout.
    /// </summary>
    public void Initialize(ulong seed, Span<float> block)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(block.Length, Length);
        block.Clear();
        using var memory = new NativeBuffer(Entries.Select(entry => entry.Length).DefaultIfEmpty().Max());
        foreach (var entry in Entries)
        {
            if (!entry.Initialization.IsRandom)
            {
                block.Slice(entry.Offset, entry.Length).Fill(entry.Initialization.Value);
                continue;
            }
            var file = memory.Span[..entry.Length];
            var random = new CounterRandom(seed, RandomPurpose.Initialization, layer: entry.Index);
            entry.Initialization.Fill(random, entry.FanIn, entry.FanOut, file);
            Import(entry, file, block);
        }
    }

    /// <summary>Writes 0 to the padding behind every part of a gradient block.</summary>
    internal void ClearPadding(Span<float> gradient)
    {
        for (var i = 0; i < Trainable.Count; i++)
        {
            var end = Trainable[i].Offset + Trainable[i].Length;
            var next = i + 1 < Trainable.Count ? Trainable[i + 1].Offset : TrainableLength;
            gradient[end..next].Clear();
        }
        for (var i = 0; i < Statistics.Count; i++)
        {
            var end = Statistics[i].Offset + Statistics[i].Length;
            gradient[end..BufferPlacement.Align(end)].Clear();
        }
    }

    internal ParameterEntry Require(string name) =>
        Find(name) ?? throw new InvalidOperationException($"The layout has no parameter {name}.");

    internal BatchStatistics RequireStatistics(string name) => Statistics.Single(statistics => statistics.Name == name);

    private void RequireLengths(ParameterEntry entry, int block, int file)
    {
        var least = entry.Kind == ParameterKind.Trainable ? TrainableLength : Length;
        ArgumentOutOfRangeException.ThrowIfLessThan(block, least);
        ArgumentOutOfRangeException.ThrowIfNotEqual(file, entry.Length);
    }
}
