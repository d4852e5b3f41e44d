namespace Distributed.Runtime;

/// <summary>How long the tensors of a run are, in floats.</summary>
/// <param name="Parameters">A parameter block.</param>
/// <param name="Gradient">A gradient block.</param>
public readonly record struct TensorLengths(int Parameters, int Gradient);
