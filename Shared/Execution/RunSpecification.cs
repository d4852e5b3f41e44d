using System.Text;
using System.Text.Json;
using Distributed.Data;
using Distributed.Learning;
using Distributed.Numerics;

namespace Distributed.Execution;

/// <summary>
/// A run's specification cannot be read or does not make sense. The message is one sentence for a person.
/// </summary>
public sealed class SpecificationException(string message) : Exception(Sentence.OneLine(message));

/// <summary>
/// The data a run learns from, as its specification records it: what was asked for, and what was found when it was
/// loaded (null or 0 before that).
/// </summary>
public sealed record DataSpecification
{
    /// <summary>The data set's name in the catalogue.</summary>
    public required string Name { get; init; }

    /// <summary>Share of the training samples that is set apart for validation.</summary>
    public required double Validation { get; init; }

    /// <summary>Whether images that can't be decoded are left out, instead of ending the run.</summary>
    public bool SkipCorrupt { get; init; }

    /// <summary>Hash of the decoded samples.</summary>
    public string? Sha256 { get; init; }

    /// <summary>Samples of the training part.</summary>
    public int TrainingSamples { get; init; }

    /// <summary>Samples of the validation part.</summary>
    public int ValidationSamples { get; init; }

    /// <summary>Samples of the test part.</summary>
    public int TestSamples { get; init; }

    /// <summary>Mean of each channel over the training part, pixels counted as fractions of 255.</summary>
    public IReadOnlyList<float> Mean { get; init; } = [];

    /// <summary>Standard deviation of each channel over the training part.</summary>
    public IReadOnlyList<float> Deviation { get; init; } = [];

    /// <summary>Equal in every field; lists are equal number by number.</summary>
    public bool Equals(DataSpecification? other) => other is not null
        && (Name, Validation, SkipCorrupt, Sha256) == (other.Name, other.Validation, other.SkipCorrupt, other.Sha256)
        && (TrainingSamples, ValidationSamples, TestSamples)
            == (other.TrainingSamples, other.ValidationSamples, other.TestSamples)
        && Mean.SequenceEqual(other.Mean) && Deviation.SequenceEqual(other.Deviation);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Name, Validation, Sha256, TrainingSamples);
}

/// <summary>
/// Everything that can change a bit of a run's result, and nothing else: two runs of equal specifications end with the
/// same weights, whoever does the work.
/// </summary>
public sealed record RunSpecification
{
    /// <summary>The numerics class of this program: rises when an order of summation changes.</summary>
    public const string ThisNumericsClass = "fp32-cpu-1";

    /// <summary>Bits are equal within a class.</summary>
    public string NumericsClass { get; init; } = ThisNumericsClass;

    /// <summary>The network.</summary>
    public required Model Model { get; init; }

    /// <summary>The data.</summary>
    public required DataSpecification Data { get; init; }

    /// <summary>Epochs to train.</summary>
    public required int Epochs { get; init; }

    /// <summary>Samples of a mini-batch.</summary>
    public required int Batch { get; init; }

    /// <summary>Samples of a micro-batch.</summary>
    public required int MicroBatch { get; init; }

    /// <summary>The update rule.</summary>
    public required Optimizer Optimizer { get; init; }

    /// <summary>Most that a mean gradient's norm over all parameters may be; 0: anything.</summary>
    public double ClipNorm { get; init; }

    /// <summary>Most that an element of a mean gradient may be; 0: anything.</summary>
    public double ClipValue { get; init; }

    /// <summary>Decay of the moving average of the weights that is validated in their place; 0: none is kept.</summary>
    public double Ema { get; init; }

    /// <summary>How gradients are bounded before the optimizer sees them.</summary>
    public GradientClip Clip => new(ClipNorm, ClipValue);

    /// <summary>The moving average of the weights.</summary>
    public WeightAverage Average => new(Ema);

    /// <summary>Names of the blocks beside the parameters: the optimizer's states, then the average.</summary>
    public IReadOnlyList<string> StateNames => Ema > 0
        ? [.. Optimizer.StateNames, WeightAverage.StateName]
        : Optimizer.StateNames;

    /// <summary>What a sample of each class counts (see <see cref="ClassWeighting"/>); empty: all the same.</summary>
    public string ClassWeights { get; init; } = "";

    /// <summary>
    /// Patterns of parameters that stay as they are (see <see cref="FrozenParameters"/>); empty: none.
    /// </summary>
    public string Frozen { get; init; } = "";

    /// <summary>The rate that the schedule is a multiple of.</summary>
    public required double LearningRate { get; init; }

    /// <summary>The learning rate over the steps.</summary>
    public required Schedule Schedule { get; init; }

    /// <summary>Share of the target that is spread over all classes.</summary>
    public double LabelSmoothing { get; init; }

    /// <summary>Epochs without improvement after which training ends; 0: never.</summary>
    public int Patience { get; init; }

    /// <summary>The key of every random draw.</summary>
    public required ulong Seed { get; init; }

    /// <summary>What is done to training samples.</summary>
    public AugmentationList Augmentation { get; init; } = AugmentationList.None;

    /// <summary>Which algorithms may compute convolutions.</summary>
    public ConvolutionMode Convolution { get; init; } = ConvolutionMode.Winograd;

    /// <summary>Hash of the weights that training starts from; null: initialised from the seed.</summary>
    public string? InitialWeightsSha256 { get; init; }

    /// <summary>Steps of an epoch.</summary>
    public int StepsPerEpoch => (int)(((long)Data.TrainingSamples + Batch - 1) / Batch);

    /// <summary>Steps of the run.</summary>
    public long TotalSteps => (long)StepsPerEpoch * Epochs;

    /// <summary>Learning rate of a step, counted from 1, after so many reductions on a plateau.</summary>
    public double Rate(long step, int reductions) =>
        Schedule.Rate(new SchedulePoint(step - 1, TotalSteps, StepsPerEpoch, reductions), LearningRate);

    /// <summary>The specification as JSON; <see cref="FromJson(string, string)"/> reads an equal one back.</summary>
    public string ToJson(bool indented = false)
    {
        using MemoryStream stream = new();
        using (Utf8JsonWriter writer = new(stream, new JsonWriterOptions { Indented = indented })) WriteTo(writer);
        return Encoding.UTF8.GetString(stream.GetBuffer(), 0, (int)stream.Length);
    }

    /// <summary>Writes the specification as one JSON object.</summary>
    public void WriteTo(Utf8JsonWriter writer)
    {
        writer.WriteStartObject();
        writer.WriteString("numericsClass", NumericsClass);
        writer.WritePropertyName("model");
        Model.WriteTo(writer);
        WriteData(writer);
        writer.WriteNumber("epochs", Epochs);
        writer.WriteNumber("batch", Batch);
        writer.WriteNumber("microBatch", MicroBatch);
        writer.WritePropertyName("optimizer");
        Optimizer.WriteTo(writer);
        if (ClipNorm > 0) writer.WriteNumber("clipNorm", ClipNorm);
        if (ClipValue > 0) writer.WriteNumber("clipValue", ClipValue);
        if (Ema > 0) writer.WriteNumber("ema", Ema);
        if (ClassWeights.Length > 0) writer.WriteString("classWeights", ClassWeights);
        if (Frozen.Length > 0) writer.WriteString("frozen", Frozen);
        writer.WriteNumber("learningRate", LearningRate);
        writer.WritePropertyName("schedule");
        Schedule.WriteTo(writer);
        writer.WriteNumber("labelSmoothing", LabelSmoothing);
        if (Augmentation.Items.Count > 0)
        {
            writer.WritePropertyName("augmentation");
            Augmentation.WriteTo(writer);
        }

        writer.WriteNumber("patience", Patience);
        writer.WriteNumber("seed", Seed);
        writer.WriteString("convolution", Convolution.ToString().ToLowerInvariant());
        writer.WriteString("initialWeightsSha256", InitialWeightsSha256);
        writer.WriteEndObject();
    }

    /// <summary>Reads a specification; <paramref name="where"/> starts every error sentence.</summary>
    /// <exception cref="SpecificationException">Malformed JSON or a missing or wrong field.</exception>
    /// <exception cref="ModelException">A model, optimizer or schedule that does not make sense.</exception>
    public static RunSpecification FromJson(string text, string where)
    {
        try
        {
            using JsonDocument document = StrictJson.Parse(text);
            return FromJson(document.RootElement, where);
        }
        catch (JsonException e)
        {
            string reason = e.Message.Split(" LineNumber:")[0].TrimEnd('.');
            throw new SpecificationException($"{where}: not valid JSON ({reason}).");
        }
    }

    /// <inheritdoc cref="FromJson(string, string)"/>
    public static RunSpecification FromJson(JsonElement element, string where)
    {
        SpecificationFields fields = new(element, where);
        return new RunSpecification
        {
            NumericsClass = fields.Text("numericsClass"),
            Model = Model.FromJson(fields.Value("model").Clone(), $"{where}: model"),
            Data = ReadData(fields.Within("data")),
            Epochs = fields.Integer("epochs", 1),
            Batch = fields.Integer("batch", 1),
            MicroBatch = fields.Integer("microBatch", 1),
            Optimizer = Optimizer.FromJson(fields.Value("optimizer").Clone(), $"{where}: optimizer"),
            ClipNorm = fields.Number("clipNorm", 0),
            ClipValue = fields.Number("clipValue", 0),
            Ema = fields.Share("ema", 0),
            ClassWeights = fields.Text("classWeights", ""),
            Frozen = fields.Text("frozen", ""),
            LearningRate = fields.Number("learningRate"),
            Schedule = Schedule.FromJson(fields.Value("schedule").Clone(), $"{where}: schedule"),
            LabelSmoothing = fields.Share("labelSmoothing"),
            Augmentation = ReadAugmentation(element, where),
            Patience = fields.Integer("patience", 0),
            Seed = fields.Seed("seed"),
            Convolution = fields.Word<ConvolutionMode>("convolution"),
            InitialWeightsSha256 = fields.Hash("initialWeightsSha256"),
        };
    }

    /// <summary>The fields in which two specifications differ, one sentence each; empty when they are equal.</summary>
    public static IReadOnlyList<string> Differences(RunSpecification recorded, RunSpecification asked)
    {
        Dictionary<string, string> left = Flatten(recorded), right = Flatten(asked);
        List<string> differences = [];
        foreach (string field in left.Keys.Union(right.Keys))
        {
            string was = left.GetValueOrDefault(field, "nothing"), now = right.GetValueOrDefault(field, "nothing");
            if (was != now) differences.Add($"{field}: the run has {was}, the command asks for {now}");
        }

        return differences;
    }

    private static Dictionary<string, string> Flatten(RunSpecification specification)
    {
        Dictionary<string, string> fields = [];
        using JsonDocument document = JsonDocument.Parse(specification.ToJson());
        Add("", document.RootElement);
        return fields;

        void Add(string path, JsonElement element)
        {
            if (element.ValueKind == JsonValueKind.Object)
            {
                foreach (JsonProperty property in element.EnumerateObject())
                    Add(path.Length == 0 ? property.Name : $"{path}.{property.Name}", property.Value);
            }
            else
            {
                fields[path] = element.GetRawText();
            }
        }
    }

    private void WriteData(Utf8JsonWriter writer)
    {
        writer.WriteStartObject("data");
        writer.WriteString("name", Data.Name);
        writer.WriteNumber("validation", Data.Validation);
        if (Data.SkipCorrupt) writer.WriteBoolean("skipCorrupt", true);
        writer.WriteString("sha256", Data.Sha256);
        writer.WriteNumber("trainingSamples", Data.TrainingSamples);
        writer.WriteNumber("validationSamples", Data.ValidationSamples);
        writer.WriteNumber("testSamples", Data.TestSamples);
        WriteNumbers("mean", Data.Mean);
        WriteNumbers("deviation", Data.Deviation);
        writer.WriteEndObject();

        void WriteNumbers(string name, IReadOnlyList<float> values)
        {
            writer.WriteStartArray(name);
            foreach (float value in values) writer.WriteNumberValue(value);
            writer.WriteEndArray();
        }
    }

    private static AugmentationList ReadAugmentation(JsonElement element, string where)
    {
        if (!element.TryGetProperty("augmentation", out JsonElement list)) return AugmentationList.None;
        try
        {
            return AugmentationList.FromJson(list);
        }
        catch (DataException error)
        {
            throw new SpecificationException(
                $"{where}: not a run's specification (\"augmentation\": {error.Message}).");
        }
    }

    private static DataSpecification ReadData(SpecificationFields fields)
    {
        DataSpecification asked = new()
        {
            Name = fields.Text("name"),
            Validation = fields.Share("validation"),
            SkipCorrupt = fields.Flag("skipCorrupt"),
        };

        // A recipe says which data to take, not what is in them.
        if (!fields.Has("sha256") && !fields.Has("mean")) return asked;
        return asked with
        {
            Sha256 = fields.Hash("sha256"),
            TrainingSamples = fields.Integer("trainingSamples", 0),
            ValidationSamples = fields.Integer("validationSamples", 0),
            TestSamples = fields.Integer("testSamples", 0),
            Mean = fields.Numbers("mean"),
            Deviation = fields.Numbers("deviation"),
        };
    }
}
