using System.Text.Json;

namespace Distributed.Learning;

/// <summary>
/// A network that classifies images, as data: what it takes in, how many classes it tells apart, and its layers. As
/// JSON it stands in a run's specification: <c>{"name": "tiny", "input": [1, 28, 28], "classes": 10, "layers":
/// [{"type": "flatten"}, {"type": "linear", "outputs": 10}]}</c>.
/// </summary>
/// <param name="Name">What runs and messages call it.</param>
/// <param name="Channels">Channels of the input image.</param>
/// <param name="Height">Rows of the input image.</param>
/// <param name="Width">Columns of the input image.</param>
/// <param name="Classes">Outputs of the last layer.</param>
/// <param name="Layers">The layers in order.</param>
public sealed record Model(string Name, int Channels, int Height, int Width, int Classes, Sequential Layers)
{
    /// <summary>
    /// A user's own network in a few lines: <c>Model.Sequential("tiny", [1, 28, 28], 10, new Flatten(), new
    /// Linear(64), new Relu(), new Linear(10))</c>. The input is [channels, height, width]; the model is checked.
    /// </summary>
    /// <exception cref="ModelException">The first mistake found.</exception>
    public static Model Sequential(string name, ReadOnlySpan<int> input, int classes, params Layer[] layers)
    {
        if (input.Length != 3)
            throw new ModelException($"model \"{name}\": its input must be [channels, height, width].");
        var model = new Model(name, input[0], input[1], input[2], classes, new Sequential(layers));
        model.Check();
        return model;
    }

    /// <summary>
    /// Reads and checks a model; <paramref name="where"/> (a file's name) starts every error sentence.
    /// </summary>
    /// <exception cref="ModelException">Malformed JSON, unknown fields, or layers that don't fit.</exception>
    public static Model FromJson(string text, string where) => FromJson(JsonFields.Parse(text, where), where);

    /// <inheritdoc cref="FromJson(string, string)"/>
    public static Model FromJson(JsonElement element, string where)
    {
        var fields = new JsonFields(element, where);
        var name = fields.Text("name");
        var input = fields.Array("input");
        if (input.GetArrayLength() != 3)
            throw new ModelException(
                $"{where}: \"input\" must be [channels, height, width], got {input.GetRawText()}.");
        int Dimension(int index) => fields.Integer("input", input[index]);
        var model = new Model(
            name, Dimension(0), Dimension(1), Dimension(2), fields.Integer("classes"),
            Learning.Sequential.Read(fields));
        fields.End();
        try
        {
            model.Check();
            return model;
        }
        catch (ModelException mistake)
        {
            throw new ModelException($"{where}: {mistake.Message}");
        }
    }

    /// <summary>
    /// The same network for another number of classes: its last linear layer gets as many outputs. A model that ends
    /// otherwise stays as it is.
    /// </summary>
    /// <param name="classes">Classes to tell apart.</param>
    public Model WithClasses(int classes)
    {
        if (Layers.Layers.LastOrDefault() is not Linear head) return this;
        Sequential layers = new([.. Layers.Layers.SkipLast(1), head with { Outputs = classes }]);
        return this with { Classes = classes, Layers = layers };
    }

    /// <summary>The model as JSON; <see cref="FromJson(string, string)"/> reads an equal one back.</summary>
    public string ToJson(bool indented = false) => JsonFields.Text(WriteTo, indented);

    /// <summary>Writes the model as one JSON object.</summary>
    public void WriteTo(Utf8JsonWriter writer)
    {
        writer.WriteStartObject();
        writer.WriteString("name", Name);
        writer.WriteStartArray("input");
        writer.WriteNumberValue(Channels);
        writer.WriteNumberValue(Height);
        writer.WriteNumberValue(Width);
        writer.WriteEndArray();
        writer.WriteNumber("classes", Classes);
        Layers.WriteFields(writer);
        writer.WriteEndObject();
    }

    /// <summary>Checks every size and shape.</summary>
    /// <exception cref="ModelException">The first mistake found.</exception>
    public void Check() => ModelDeclaration.Of(this);

    /// <summary>A row a layer: shapes, parameters and multiply-adds.</summary>
    public IReadOnlyList<LayerSummary> Summary() => ModelDeclaration.Of(this).Rows;
}
