using System.Text.Json;

namespace Distributed.Learning;

/// <summary>
/// A layer of a network, as data: it says what to compute and owns no tensor. To add one, write its file (data, shape
/// rule, parameters, plan steps), its row in <see cref="LayerCatalogue"/>, and its row in the finite-difference test.
/// </summary>
public abstract record Layer
{
    /// <summary>The layer's name in JSON, for instance "conv2d".</summary>
    public abstract string Type { get; }

    /// <summary>
    /// Checks the layer against its input's shape, declares its parameters and its summary row, and returns its
    /// output's shape. <paramref name="name"/> is its path in the tree, as PyTorch's <c>nn.Sequential</c> names it.
    /// </summary>
    internal abstract TensorShape Declare(ModelDeclaration model, string name, TensorShape input);

    /// <summary>Adds the layer's steps to a plan and returns its output; its shapes have been checked.</summary>
    internal abstract PlanTensor Compile(PlanCompiler plan, string name, PlanTensor input);

    /// <summary>Writes the fields that follow "type"; those at their default are left out.</summary>
    internal abstract void WriteFields(Utf8JsonWriter writer);
}
