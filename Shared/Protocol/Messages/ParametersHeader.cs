namespace Distributed.Protocol;

/// <summary>Coordinator to worker, data connection: what stands before a parameter block.</summary>
/// <param name="Fence">The coordinator's fence.</param>
/// <param name="Version">The parameters' version.</param>
public readonly record struct ParametersHeader(Fence Fence, ParameterVersion Version);
