using System.Globalization;
using System.Text.Json;
using Distributed.Checkpoints;
using Distributed.Execution;
using Distributed.Learning;
using Distributed.Roles.Coordinator;

namespace Distributed.Coordinator;

/// <summary>
/// Between a run in memory and its checkpoints: parameters and running statistics under PyTorch's names, shapes and
/// order, optimizer state beside them as <c>optimizer.STATE.PARAMETER</c>, and the run's specification and standing in
/// the metadata.
/// </summary>
internal static class CheckpointMapping
{
    private const string SpecificationKey = "specification";
    private const string ProgressKey = "progress";
    private const string ClassNamesKey = "classNames";
    private const string TrainSecondsKey = "trainSeconds";

    /// <summary>The metadata that resuming and later commands need.</summary>
    public static IReadOnlyDictionary<string, string> Metadata(
        RunSpecification specification, TrainingProgress progress, IReadOnlyList<string> classNames,
        double trainSeconds) =>
        new Dictionary<string, string>
        {
            [SpecificationKey] = specification.ToJson(),
            [ProgressKey] = JsonSerializer.Serialize(progress, RunJson.Default.TrainingProgress),
            [ClassNamesKey] = JsonSerializer.Serialize([.. classNames], RunJson.Default.StringArray),
            [TrainSecondsKey] = trainSeconds.ToString("R", CultureInfo.InvariantCulture),
        };

    /// <summary>The specification of the run that a checkpoint belongs to.</summary>
    /// <exception cref="CheckpointException">The checkpoint has none.</exception>
    /// <exception cref="SpecificationException">It is malformed.</exception>
    public static RunSpecification ReadSpecification(Checkpoint checkpoint) =>
        RunSpecification.FromJson(Entry(checkpoint, SpecificationKey), checkpoint.Path);

    /// <summary>Where the run stood.</summary>
    /// <exception cref="CheckpointException">The checkpoint does not say, or makes no sense.</exception>
    public static TrainingProgress ReadProgress(Checkpoint checkpoint) =>
        Parse(checkpoint, ProgressKey, text =>
            JsonSerializer.Deserialize(text, RunJson.Default.TrainingProgress) is { History: not null } progress
            && progress.History.All(record => record is not null) ? progress : null);

    /// <summary>The names of the classes.</summary>
    /// <exception cref="CheckpointException">The checkpoint does not say, or makes no sense.</exception>
    public static IReadOnlyList<string> ReadClassNames(Checkpoint checkpoint) =>
        Parse(checkpoint, ClassNamesKey, text =>
            JsonSerializer.Deserialize(text, RunJson.Default.StringArray) is { } names
            && names.All(name => name is not null) ? names : null);

    /// <summary>Seconds of training up to there, over all processes of the run.</summary>
    /// <exception cref="CheckpointException">The checkpoint does not say, or makes no sense.</exception>
    public static double ReadTrainSeconds(Checkpoint checkpoint)
    {
        string text = Entry(checkpoint, TrainSecondsKey);
        return double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double seconds)
            ? seconds : throw NoSense(checkpoint, TrainSecondsKey);
    }

    /// <summary>Reads the parameters into a block of the model's layout.</summary>
    /// <exception cref="CheckpointException">The checkpoint is of another model, or unreadable.</exception>
    public static void ReadWeights(Checkpoint checkpoint, ParameterLayout layout, Span<float> block)
    {
        RequireTensors(checkpoint.Path, checkpoint.Tensors, layout);
        ReadBlock(checkpoint.Read, layout, "", layout.Entries, block);
    }

    /// <summary>
    /// Reads the weights that were validated: the moving average where the run keeps one, else the parameters.
    /// </summary>
    /// <exception cref="CheckpointException">The checkpoint is of another model, or unreadable.</exception>
    public static void ReadEvaluated(
        Checkpoint checkpoint, RunSpecification specification, ParameterLayout layout, Span<float> block)
    {
        RequireTensors(checkpoint.Path, checkpoint.Tensors, layout);
        if (specification.Ema > 0) ReadState(checkpoint, layout, WeightAverage.StateName, block);
        else ReadWeights(checkpoint, layout, block);
    }

    /// <summary>Reads one of the optimizer's state blocks.</summary>
    /// <exception cref="CheckpointException">The checkpoint has no such state, or is unreadable.</exception>
    public static void ReadState(Checkpoint checkpoint, ParameterLayout layout, string state, Span<float> block) =>
        ReadBlock(checkpoint.Read, layout, StatePrefix(state), StateEntries(layout, state), block);

    /// <summary>The hash of the parameters and running statistics in a block; see <see cref="WeightsHash"/>.</summary>
    public static string HashWeights(ParameterLayout layout, ReadOnlySpan<float> block)
    {
        List<TensorSource> tensors = [];
        foreach (ParameterEntry entry in layout.Entries)
        {
            float[] values = new float[entry.Length];
            layout.Export(entry, block, values);
            tensors.Add(new TensorSource(entry.Name, entry.Shape, values));
        }

        return WeightsHash.Compute(tensors);
    }

    /// <summary>The hash of the weights that were validated; see <see cref="ReadEvaluated"/>.</summary>
    /// <exception cref="CheckpointException">The checkpoint is of another model, or unreadable.</exception>
    public static string HashEvaluated(Checkpoint checkpoint)
    {
        RunSpecification specification = ReadSpecification(checkpoint);
        if (specification.Ema == 0) return checkpoint.WeightsSha256;
        ParameterLayout layout = ParameterLayout.Of(specification.Model);
        float[] block = new float[layout.Length];
        ReadEvaluated(checkpoint, specification, layout, block);
        return HashWeights(layout, block);
    }

    /// <summary>What a state holds a value for: the moving average all, others what is trained.</summary>
    public static IReadOnlyList<ParameterEntry> StateEntries(ParameterLayout layout, string state) =>
        state == WeightAverage.StateName ? layout.Entries : layout.Trainable;

    /// <summary>What the names of an optimizer state's tensors begin with.</summary>
    public static string StatePrefix(string state) => $"{WeightsHash.OptimizerPrefix}{state}.";

    /// <summary>PyTorch's count of the steps that moved a batch norm's running statistics; nothing needs it.</summary>
    public static bool IsCounter(string name) => name.EndsWith(".num_batches_tracked", StringComparison.Ordinal);

    private static void ReadBlock(
        TensorFillByName read, ParameterLayout layout, string prefix, IReadOnlyList<ParameterEntry> entries,
        Span<float> block)
    {
        float[] file = new float[entries.Select(entry => entry.Length).DefaultIfEmpty().Max()];
        foreach (ParameterEntry entry in entries)
        {
            Span<float> values = file.AsSpan(0, entry.Length);
            read(prefix + entry.Name, values);
            layout.Import(entry, values, block);
        }
    }

    private static void RequireTensors(string path, IReadOnlyList<TensorEntry> tensors, ParameterLayout layout)
    {
        TensorEntry[] weights = [.. tensors.Where(tensor => WeightsHash.Includes(tensor.Name))];
        foreach (ParameterEntry entry in layout.Entries)
        {
            TensorEntry? found = Array.Find(weights, tensor => tensor.Name == entry.Name);
            if (found is null) throw Unfit($"there is no tensor '{entry.Name}', which the model has");
            if (!found.Shape.SequenceEqual(entry.Shape))
            {
                throw Unfit($"tensor '{entry.Name}' has shape [{string.Join(", ", found.Shape)}] where the model has " +
                    $"[{string.Join(", ", entry.Shape)}]");
            }
        }

        if (Array.Find(weights, tensor => layout.Find(tensor.Name) is null && !IsCounter(tensor.Name)) is { } extra)
            throw Unfit($"the model has no tensor '{extra.Name}'");

        CheckpointException Unfit(string how) =>
            new($"{path}: {how}; it holds another model's weights: choose a file that fits the model.");
    }

    private static T Parse<T>(Checkpoint checkpoint, string key, Func<string, T?> parse)
        where T : class
    {
        try
        {
            if (parse(Entry(checkpoint, key)) is { } value) return value;
        }
        catch (JsonException)
        {
            // Said below.
        }

        throw NoSense(checkpoint, key);
    }

    private static CheckpointException NoSense(Checkpoint checkpoint, string key) =>
        new($"{checkpoint.Path}: the metadata entry '{key}' makes no sense; use another checkpoint.");

    private static string Entry(Checkpoint checkpoint, string key) => checkpoint.Metadata.GetValueOrDefault(key)
        ?? throw new CheckpointException($"{checkpoint.Path}: the metadata entry '{key}' is missing, so this is no " +
            "checkpoint of a run; use another.");

    /// <summary>Reads the tensor of that name.</summary>
    private delegate void TensorFillByName(string name, Span<float> destination);
}
