using System.Text.Json;

namespace Distributed.Learning;

/// <summary>Layers one after the other; the i-th is named i, inside another sequence "outer.i".</summary>
public sealed record Sequential(IReadOnlyList<Layer> Layers) : Layer
{
    /// <summary>Layers one after the other.</summary>
    public Sequential(params Layer[] layers) : this((IReadOnlyList<Layer>)layers)
    {
    }

    /// <inheritdoc/>
    public override string Type => "sequential";

    /// <summary>Equal layers in equal order.</summary>
    public bool Equals(Sequential? other) => other is not null && Layers.SequenceEqual(other.Layers);

    /// <inheritdoc/>
    public override int GetHashCode() => Layers.Aggregate(0, HashCode.Combine);

    internal static Sequential Read(JsonFields fields) => Read(fields, "layers");

    /// <summary>Reads an array of layers.</summary>
    internal static Sequential Read(JsonFields fields, string name) =>
        Read(fields.Array(name), $"{fields.Where}, {name}");

    internal static Sequential Read(JsonElement array, string where)
    {
        if (array.ValueKind != JsonValueKind.Array)
            throw new ModelException($"{where}: expected an array of layers [...], got {array.ValueKind}.");
        var layers = new Layer[array.GetArrayLength()];
        for (var i = 0; i < layers.Length; i++)
            layers[i] = LayerCatalogue.Read(array[i], $"{where}[{i}]");
        return new Sequential(layers);
    }

    internal override void WriteFields(Utf8JsonWriter writer) => WriteLayers(writer, "layers");

    /// <summary>Writes the layers as an array.</summary>
    internal void WriteLayers(Utf8JsonWriter writer, string name)
    {
        writer.WritePropertyName(name);
        WriteLayers(writer);
    }

    /// <inheritdoc cref="WriteLayers(Utf8JsonWriter, string)"/>
    internal void WriteLayers(Utf8JsonWriter writer)
    {
        writer.WriteStartArray();
        foreach (var layer in Layers)
            LayerCatalogue.Write(writer, layer);
        writer.WriteEndArray();
    }

    internal override TensorShape Declare(ModelDeclaration model, string name, TensorShape input)
    {
        for (var i = 0; i < Layers.Count; i++)
            input = Layers[i].Declare(model, Child(name, i), input);
        return input;
    }

    internal override PlanTensor Compile(PlanCompiler plan, string name, PlanTensor input)
    {
        for (var i = 0; i < Layers.Count; i++)
            input = Layers[i].Compile(plan, Child(name, i), input);
        return input;
    }

    private static string Child(string name, int index) => name.Length == 0 ? $"{index}" : $"{name}.{index}";
}
