namespace Distributed.Learning;

/// <summary>
/// One row of a model's summary: the layer's name and type, its output's shape, its parameters, and the
/// multiplications with addition of one sample's forward pass.
/// </summary>
public sealed record LayerSummary(string Name, string Type, TensorShape Output, long Parameters, long MultiplyAdds);
