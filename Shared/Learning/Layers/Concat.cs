using System.Text.Json;

namespace Distributed.Learning;

/// <summary>
/// The outputs of branches that all read the input, one behind the other as channels of one image (torch.cat(..., 1));
/// an empty branch is the input itself. Nothing is copied where it can be helped: the branches' last layers write into
/// the wider image, and concatenations that grow one image (Huang et al. 2016, "Densely Connected Convolutional
/// Networks") share one buffer. The branches are named as <c>nn.Sequential</c>s 0, 1, ...: "4.1.0.weight".
/// </summary>
/// <param name="Branches">At least two.</param>
public sealed record Concat(IReadOnlyList<Sequential> Branches) : Layer
{
    /// <summary>Branches in the order of their channels.</summary>
    public Concat(params Sequential[] branches) : this((IReadOnlyList<Sequential>)branches)
    {
    }

    /// <inheritdoc/>
    public override string Type => "concat";

    /// <summary>Equal branches in equal order.</summary>
    public bool Equals(Concat? other) => other is not null && Branches.SequenceEqual(other.Branches);

    /// <inheritdoc/>
    public override int GetHashCode() => Branches.Aggregate(1, HashCode.Combine);

    internal static Concat Read(JsonFields fields)
    {
        var array = fields.Array("branches");
        var branches = new Sequential[array.GetArrayLength()];
        for (var i = 0; i < branches.Length; i++)
            branches[i] = Sequential.Read(array[i], $"{fields.Where}, branches[{i}]");
        return new Concat(branches);
    }

    internal override void WriteFields(Utf8JsonWriter writer)
    {
        writer.WriteStartArray("branches");
        foreach (var branch in Branches)
            branch.WriteLayers(writer);
        writer.WriteEndArray();
    }

    internal override TensorShape Declare(ModelDeclaration model, string name, TensorShape input)
    {
        model.RequireImage(name, this, input);
        if (Branches.Count < 2)
            throw model.Mistake(name, this, $"it has {Branches.Count} branches; give it two or more");
        var output = Branches[0].Declare(model, $"{name}.0", input);
        for (var i = 0; i < Branches.Count; i++)
        {
            var branch = i == 0 ? output : Branches[i].Declare(model, $"{name}.{i}", input);
            if (branch.IsFlat)
                throw model.Mistake(name, this, $"the output of branch {i} is flat; put flatten behind the concat");
            if ((branch.Height, branch.Width) != (output.Height, output.Width))
            {
                throw model.Mistake(
                    name, this,
                    $"the output {branch} of branch {i} isn't as high and wide as branch 0's {output}; " +
                    "make them equal");
            }
            if (i > 0)
                output = output with { Channels = checked(output.Channels + branch.Channels) };
        }
        return model.AddLayer(name, this, output, multiplyAdds: 0);
    }

    internal override PlanTensor Compile(PlanCompiler plan, string name, PlanTensor input)
    {
        plan.Hold(input);
        var outputs = new PlanTensor[Branches.Count];
        for (var i = 0; i < outputs.Length; i++)
            outputs[i] = Branches[i].Compile(plan, $"{name}.{i}", input);
        plan.Release(input);
        var shape = outputs[0].Shape with { Channels = outputs.Sum(branch => branch.Shape.Channels) };
        var output = plan.Tensor(
            shape, producer: null, outputs.Any(branch => branch.Gradient is not null), slices: true);
        var start = 0;
        foreach (var branch in outputs)
        {
            plan.PlaceIn(output, start, branch);
            start += branch.Shape.Channels;
        }
        return output;
    }
}
