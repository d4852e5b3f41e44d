using System.Text.Json;

namespace Distributed.Learning;

/// <summary>The layers by their name in JSON: one row each.</summary>
internal static class LayerCatalogue
{
    private static readonly Dictionary<string, Func<JsonFields, Layer>> Readers = new()
    {
        ["avgPool2d"] = AvgPool2d.Read,
        ["batchNorm2d"] = BatchNorm2d.Read,
        ["concat"] = Concat.Read,
        ["conv2d"] = Conv2d.Read,
        ["depthwiseConv2d"] = DepthwiseConv2d.Read,
        ["dropout"] = Dropout.Read,
        ["flatten"] = _ => new Flatten(),
        ["gelu"] = _ => new Gelu(),
        ["globalAvgPool"] = _ => new GlobalAvgPool(),
        ["leakyRelu"] = LeakyRelu.Read,
        ["linear"] = Linear.Read,
        ["localResponseNorm"] = LocalResponseNorm.Read,
        ["maxPool2d"] = MaxPool2d.Read,
        ["relu"] = _ => new Relu(),
        ["residual"] = Residual.Read,
        ["sequential"] = Sequential.Read,
        ["sigmoid"] = _ => new Sigmoid(),
        ["tanh"] = _ => new Tanh(),
    };

    public static Layer Read(JsonElement element, string where)
    {
        var fields = new JsonFields(element, where);
        var type = fields.Text("type");
        if (!Readers.TryGetValue(type, out var read))
            throw new ModelException(
                $"{where}: unknown layer type \"{type}\"; known: {string.Join(", ", Readers.Keys)}.");
        var layer = read(fields);
        fields.End();
        return layer;
    }

    public static void Write(Utf8JsonWriter writer, Layer layer)
    {
        writer.WriteStartObject();
        writer.WriteString("type", layer.Type);
        layer.WriteFields(writer);
        writer.WriteEndObject();
    }
}
