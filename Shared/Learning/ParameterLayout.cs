using Distributed.Numerics;

namespace Distributed.Learning;

/// <summary>
/// Where each parameter of a model lies in one contiguous block. Entries start at multiples of 16 floats; the padding
/// between them is always 0. Gradients and optimizer states have the same layout.
/// </summary>
public sealed class ParameterLayout
{
    private readonly Dictionary<string, ParameterEntry> _byName;

    internal ParameterLayout(ModelDeclaration declaration)
    {
        Entries = declaration.Parameters;
        Length = declaration.BlockLength;
        Count = Entries.Sum(entry => entry.Length);
        _byName = Entries.ToDictionary(entry => entry.Name);
    }

    /// <summary>The parameters, in the order of the layers.</summary>
    public IReadOnlyList<ParameterEntry> Entries { get; }

    /// <summary>Floats of the block, padding included.</summary>
    public int Length { get; }

    /// <summary>Parameters, without padding.</summary>
    public int Count { get; }

    /// <summary>The layout of a model's parameters.</summary>
    /// <exception cref="ModelException">The model has a mistake.</exception>
    public static ParameterLayout Of(Model model) => new(ModelDeclaration.Of(model));

    /// <summary>The entry of that name, or null.</summary>
    public ParameterEntry? Find(string name) => _byName.GetValueOrDefault(name);

    /// <summary>
    /// Copies one parameter out of the block into PyTorch's order; <paramref name="file"/> has its length.
    /// </summary>
    public void Export(ParameterEntry entry, ReadOnlySpan<float> block, Span<float> file)
    {
        RequireLengths(entry, block.Length, file.Length);
        entry.ToFile(block.Slice(entry.Offset, entry.Length), file);
    }

    /// <summary>
    /// Copies one parameter from PyTorch's order into the block; <paramref name="file"/> has its length.
    /// </summary>
    public void Import(ParameterEntry entry, ReadOnlySpan<float> file, Span<float> block)
    {
        RequireLengths(entry, block.Length, file.Length);
        entry.FromFile(file, block.Slice(entry.Offset, entry.Length));
    }

    /// <summary>
    /// Fills the block with starting values: He-normal weights (standard deviation sqrt(2 / fan-in), He et al. 2015),
    /// zero biases, zero padding. A value is a function of the seed, its parameter's place in the model and its
    /// position in PyTorch's order, so it depends on no memory layout.
    /// </summary>
    public void Initialize(ulong seed, Span<float> block)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(block.Length, Length);
        block.Clear();
        foreach (var entry in Entries)
        {
            if (entry.Initialization != Initialization.HeNormal)
                continue;
            var file = new float[entry.Length];
            var random = new CounterRandom(seed, RandomPurpose.Initialization, layer: entry.Index);
            var deviation = Math.Sqrt(2.0 / entry.FanIn);
            for (var element = 0; element < file.Length; element++)
                file[element] = (float)(deviation * random.Normal((uint)element));
            Import(entry, file, block);
        }
    }

    /// <summary>Writes 0 to the padding behind every entry.</summary>
    internal void ClearPadding(Span<float> block)
    {
        for (var i = 0; i < Entries.Count; i++)
        {
            var end = Entries[i].Offset + Entries[i].Length;
            var next = i + 1 < Entries.Count ? Entries[i + 1].Offset : Length;
            block[end..next].Clear();
        }
    }

    internal ParameterEntry Require(string name) =>
        Find(name) ?? throw new InvalidOperationException($"The layout has no parameter {name}.");

    private void RequireLengths(ParameterEntry entry, int block, int file)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(block, Length);
        ArgumentOutOfRangeException.ThrowIfNotEqual(file, entry.Length);
    }
}
