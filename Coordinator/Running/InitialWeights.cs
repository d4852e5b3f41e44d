using Distributed.Checkpoints;
using Distributed.Learning;

namespace Distributed.Coordinator;

/// <summary>
/// First weights of a run, from one of our checkpoints (its moving average, where it keeps one) or from any safetensors
/// file with PyTorch's names, ours or torchvision's. A prefix that all names have, such as <c>module.</c>, is left out.
/// Where the file tells another number of classes apart, the last layer starts anew.
/// </summary>
internal sealed class InitialWeights
{
    private readonly SafeTensorsFile _file;
    private readonly ParameterLayout _layout;
    private readonly Dictionary<string, TensorEntry> _tensors;
    private readonly List<string> _notes = [];
    private string _prefix = "";

    private InitialWeights(SafeTensorsFile file, ParameterLayout layout)
    {
        _file = file;
        _layout = layout;
        _tensors = Weights();
    }

    /// <summary>Reads them over a block that was initialised from the seed.</summary>
    /// <param name="path">A checkpoint, a run's folder, or a safetensors file.</param>
    /// <param name="layout">The block's layout.</param>
    /// <param name="block">Overwritten, but for a last layer that starts anew.</param>
    /// <returns>The hash of the whole block, and a sentence for each thing that a person should know.</returns>
    /// <exception cref="CheckpointException">The file is of another model, broken or unreadable.</exception>
    public static (string Sha256, IReadOnlyList<string> Notes) Read(
        string path, ParameterLayout layout, Span<float> block)
    {
        using SafeTensorsFile file = Checkpoint.OpenWeights(path);
        InitialWeights weights = new(file, layout);
        weights.Read(block);
        return (CheckpointMapping.HashWeights(layout, block), weights._notes);
    }

    /// <summary>The file's tensors under the model's names.</summary>
    private Dictionary<string, TensorEntry> Weights()
    {
        string average = CheckpointMapping.StatePrefix(WeightAverage.StateName);
        if (_file.Tensors.Any(tensor => tensor.Name.StartsWith(average, StringComparison.Ordinal)))
        {
            _prefix = average;
            _notes.Add($"{_file.Path}: taken is the moving average of its weights.");
        }

        List<TensorEntry> tensors =
        [
            .. _file.Tensors.Where(tensor => _prefix.Length > 0
                ? tensor.Name.StartsWith(_prefix, StringComparison.Ordinal)
                : WeightsHash.Includes(tensor.Name) && !CheckpointMapping.IsCounter(tensor.Name)),
        ];
        if (_prefix.Length == 0 && CommonPrefix(tensors) is { } common)
        {
            _prefix = common;
            _notes.Add($"{_file.Path}: its names are taken without \"{common}\".");
        }

        Dictionary<string, TensorEntry> named = tensors.ToDictionary(tensor => tensor.Name[_prefix.Length..]);
        return named.Keys.Any(name => _layout.Find(name) is not null) ? named : FromTorchvision(named) ?? named;
    }

    /// <summary>The tensors of one of torchvision's networks under the model's names; null: of none.</summary>
    private Dictionary<string, TensorEntry>? FromTorchvision(Dictionary<string, TensorEntry> named)
    {
        Dictionary<string, TensorEntry> current = [];
        foreach ((string name, TensorEntry tensor) in named)
        {
            if (TorchvisionNames.Current(name) is { } today) current.TryAdd(today, tensor);
        }

        if (TorchvisionNames.Find(current.Keys.Select(Layer).ToHashSet()) is not var (network, theirs)) return null;
        string[] ours = [.. _layout.Trainable.Select(entry => Layer(entry.Name)).Distinct()];
        if (ours.Length != theirs.Length)
        {
            throw Unfit($"it has the {theirs.Length} layers with weights of torchvision's {network}, and the model has "
                + $"{ours.Length}");
        }

        string dropped = current.Count < named.Count ? "; its auxiliary heads are left out" : "";
        _notes.Add($"{_file.Path}: its names are those of torchvision's {network}, whose layers are taken in their "
            + $"order for the model's: {theirs[0]} for {ours[0]} to {theirs[^1]} for {ours[^1]}{dropped}.");
        Dictionary<string, string> names = theirs.Zip(ours).ToDictionary(pair => pair.First, pair => pair.Second);
        return current.ToDictionary(
            pair => names[Layer(pair.Key)] + pair.Key[Layer(pair.Key).Length..], pair => pair.Value);
    }

    /// <summary>The first word and its dot, where every name has them and the model knows none with them.</summary>
    private string? CommonPrefix(List<TensorEntry> tensors)
    {
        if (tensors.Count == 0) return null;
        string first = tensors[0].Name;
        string word = first[..(first.IndexOf('.') + 1)];
        return word.Length > 0
            && tensors.TrueForAll(tensor => tensor.Name.StartsWith(word, StringComparison.Ordinal))
            && !tensors.Exists(tensor => _layout.Find(tensor.Name) is not null) ? word : null;
    }

    private void Read(Span<float> block)
    {
        string head = Layer(_layout.Trainable[^1].Name);
        bool isNewHead = false;
        foreach (ParameterEntry entry in _layout.Entries)
        {
            if (!_tensors.TryGetValue(entry.Name, out TensorEntry? tensor))
                throw Unfit($"there is no tensor '{entry.Name}', which the model has");
            if (tensor.Shape.SequenceEqual(entry.Shape)) continue;
            bool isHead = Layer(entry.Name) == head && tensor.Shape.Length == entry.Shape.Count
                && tensor.Shape.Skip(1).SequenceEqual(entry.Shape.Skip(1));
            if (!isHead)
            {
                throw Unfit($"tensor '{tensor.Name}' has shape [{string.Join(", ", tensor.Shape)}] where the model has "
                    + $"[{string.Join(", ", entry.Shape)}]");
            }

            if (!isNewHead)
            {
                _notes.Add($"{_file.Path}: it tells {tensor.Shape[0]} classes apart and the model {entry.Shape[0]}, "
                    + $"so the last layer ({head}) starts anew.");
            }

            isNewHead = true;
        }

        if (_tensors.Keys.FirstOrDefault(name => _layout.Find(name) is null) is { } extra)
            throw Unfit($"the model has no tensor '{extra}'");
        foreach (ParameterEntry entry in _layout.Entries)
        {
            if (isNewHead && Layer(entry.Name) == head) continue;
            float[] values = new float[entry.Length];
            _file.Read(_tensors[entry.Name].Name, values);
            _layout.Import(entry, values, block);
        }
    }

    private static string Layer(string name) => name[..Math.Max(0, name.LastIndexOf('.'))];

    private CheckpointException Unfit(string how) =>
        new($"{_file.Path}: {how}; it holds another model's weights: choose a file that fits the model.");
}
