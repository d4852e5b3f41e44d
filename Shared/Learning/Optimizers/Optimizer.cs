using System.Text.Json;
using Distributed.Numerics;

namespace Distributed.Learning;

/// <summary>
/// A rule that turns a gradient into new parameters, as data. It owns no tensor: its states come with the call, one
/// block of the parameters' layout for each name, all zero at the start; step counts are a function of the step. To
/// add one, write its file and its row in <see cref="Catalogue"/>.
/// </summary>
public abstract record Optimizer
{
    private static readonly Dictionary<string, Func<JsonFields, Optimizer>> Catalogue = new()
    {
        ["sgd"] = Sgd.Read,
        ["adam"] = Adam.Read,
        ["adamw"] = AdamW.Read,
        ["rmsprop"] = RmsProp.Read,
        ["lars"] = Lars.Read,
        ["lamb"] = Lamb.Read,
    };

    /// <summary>The names of the optimizers.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. Catalogue.Keys];

    /// <summary>The optimizer's name, for instance "sgd".</summary>
    public abstract string Name { get; }

    /// <summary>The names of the state blocks, in the order in which <see cref="Step"/> takes them.</summary>
    public abstract IReadOnlyList<string> StateNames { get; }

    /// <summary>How strongly weights are drawn to 0; each optimizer says how it enters. 0 or more.</summary>
    public abstract double WeightDecay { get; init; }

    /// <summary>What weight decay leaves out.</summary>
    public DecayExclusion DecayExclude { get; init; }

    /// <summary>A learning rate to begin with, where the user gives none.</summary>
    public virtual double DefaultLearningRate => 0.001;

    /// <summary>Whether a tensor's norm enters its step, so that a range is exactly one tensor.</summary>
    internal virtual bool IsPerTensor => false;

    /// <summary>
    /// One step on one range of the blocks. Steps on ranges that make up the block give the same bits as one on the
    /// whole; LARS and LAMB take exactly one tensor a range.
    /// </summary>
    /// <param name="step">The range, and what the step is told.</param>
    /// <param name="parameters">The whole parameter block, changed in place.</param>
    /// <param name="gradientSum">
    /// The whole block of the samples' summed gradients; its range may be overwritten.
    /// </param>
    /// <param name="states">The whole state blocks, one a name, changed in place.</param>
    public abstract void Step(
        in OptimizerStep step, Span<float> parameters, Span<float> gradientSum, ReadOnlySpan<NativeBuffer> states);

    /// <summary>The optimizer of that name with its default settings.</summary>
    /// <exception cref="ModelException">No optimizer has that name.</exception>
    public static Optimizer Find(string name)
    {
        using var document = JsonDocument.Parse("{}");
        return Create(name, new JsonFields(document.RootElement, "optimizer"), "optimizer");
    }

    /// <summary>Reads one from JSON; <paramref name="where"/> starts every error sentence.</summary>
    /// <exception cref="ModelException">An unknown name or field, or a setting out of range.</exception>
    public static Optimizer FromJson(JsonElement element, string where)
    {
        var fields = new JsonFields(element, where);
        var optimizer = Create(fields.Text("name"), fields, where) with { DecayExclude = ReadExclusion(fields) };
        fields.End();
        fields.Require(optimizer.WeightDecay >= 0, "weightDecay", "0 or more", optimizer.WeightDecay);
        return optimizer;
    }

    /// <summary>Writes the optimizer with all its settings as one JSON object.</summary>
    public void WriteTo(Utf8JsonWriter writer)
    {
        writer.WriteStartObject();
        writer.WriteString("name", Name);
        WriteFields(writer);
        if (DecayExclude != DecayExclusion.None)
        {
            writer.WriteStartArray("decayExclude");
            foreach (var kind in DecayExclusions.Of(DecayExclude))
                writer.WriteStringValue(kind);
            writer.WriteEndArray();
        }
        writer.WriteEndObject();
    }

    /// <summary>Writes the settings behind the name.</summary>
    internal abstract void WriteFields(Utf8JsonWriter writer);

    /// <summary>The weight decay of a range.</summary>
    private protected double DecayOf(in OptimizerStep step) => step.Decays ? WeightDecay : 0;

    private static DecayExclusion ReadExclusion(JsonFields fields)
    {
        var excluded = DecayExclusion.None;
        foreach (var kind in fields.Texts("decayExclude"))
        {
            excluded |= DecayExclusions.Find(kind) ?? throw new ModelException(
                $"{fields.Where}: decayExclude knows {string.Join(" and ", DecayExclusions.Names)}, got \"{kind}\".");
        }
        return excluded;
    }

    private static Optimizer Create(string name, JsonFields fields, string where) =>
        Catalogue.TryGetValue(name, out var read)
            ? read(fields)
            : throw new ModelException($"{where}: unknown optimizer \"{name}\"; known: {string.Join(", ", Names)}.");
}
