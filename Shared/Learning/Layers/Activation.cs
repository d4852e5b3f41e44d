using System.Text.Json;

namespace Distributed.Learning;

/// <summary>A layer without settings that leaves the shape as it is: a function of single values.</summary>
public abstract record Activation : Layer
{
    internal override TensorShape Declare(ModelDeclaration model, string name, TensorShape input) =>
        model.AddLayer(name, this, input, multiplyAdds: 0);

    internal override void WriteFields(Utf8JsonWriter writer)
    {
    }
}
