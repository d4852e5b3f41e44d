using System.Text.Json;
using Distributed.Numerics;

namespace Distributed.Learning;

/// <summary>
/// A rule that turns a gradient into new parameters, as data. It owns no tensor: its states come with the call, one
/// block of the parameters' layout for each name, all zero at the start. To add one, write its file and its row in
/// <see cref="Catalogue"/>.
/// </summary>
public abstract record Optimizer
{
    private static readonly Dictionary<string, Func<JsonFields, Optimizer>> Catalogue = new()
    {
        ["sgd"] = Sgd.Read,
    };

    /// <summary>The names of the optimizers.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. Catalogue.Keys];

    /// <summary>The optimizer's name, for instance "sgd".</summary>
    public abstract string Name { get; }

    /// <summary>The names of the state blocks, in the order in which <see cref="Step"/> takes them.</summary>
    public abstract IReadOnlyList<string> StateNames { get; }

    /// <summary>
    /// One step on <paramref name="length"/> floats from <paramref name="start"/> of the blocks. Steps on ranges that
    /// make up the block give the same bits as one on the whole.
    /// </summary>
    /// <param name="start">First float of the range.</param>
    /// <param name="length">Floats of the range.</param>
    /// <param name="parameters">The whole parameter block, changed in place.</param>
    /// <param name="gradientSum">The whole block of the samples' summed gradients.</param>
    /// <param name="states">The whole state blocks, one a name, changed in place.</param>
    /// <param name="gradientScale">What the sum is multiplied with: 1 / samples.</param>
    /// <param name="learningRate">The schedule's rate of this step.</param>
    public abstract void Step(
        int start, int length, Span<float> parameters, ReadOnlySpan<float> gradientSum,
        ReadOnlySpan<NativeBuffer> states, float gradientScale, float learningRate);

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
        var optimizer = Create(fields.Text("name"), fields, where);
        fields.End();
        return optimizer;
    }

    /// <summary>Writes the optimizer with all its settings as one JSON object.</summary>
    public void WriteTo(Utf8JsonWriter writer)
    {
        writer.WriteStartObject();
        writer.WriteString("name", Name);
        WriteFields(writer);
        writer.WriteEndObject();
    }

    /// <summary>Writes the settings behind the name.</summary>
    internal abstract void WriteFields(Utf8JsonWriter writer);

    private static Optimizer Create(string name, JsonFields fields, string where) =>
        Catalogue.TryGetValue(name, out var read)
            ? read(fields)
            : throw new ModelException($"{where}: unknown optimizer \"{name}\"; known: {string.Join(", ", Names)}.");
}
