using System.Text.Json;

namespace Distributed.Learning;

/// <summary>
/// Makes an image a row of features. Nothing moves: the features keep their order in memory, and the layer behind
/// permutes its weights between that order and PyTorch's (channel, row, column).
/// </summary>
public sealed record Flatten : Layer
{
    /// <inheritdoc/>
    public override string Type => "flatten";

    internal override TensorShape Declare(ModelDeclaration model, string name, TensorShape input) =>
        model.AddLayer(name, this, input with { IsFlat = true }, multiplyAdds: 0);

    internal override PlanTensor Compile(PlanCompiler plan, string name, PlanTensor input)
    {
        input.Values.IsDense = true;
        return input with { Shape = input.Shape with { IsFlat = true } };
    }

    internal override void WriteFields(Utf8JsonWriter writer)
    {
    }
}
