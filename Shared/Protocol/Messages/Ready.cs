namespace Distributed.Protocol;

/// <summary>Worker to coordinator: data and plan are loaded and the data connection is up.</summary>
/// <param name="DataSha256">The hash of the decoded data set, lower-case hexadecimal.</param>
/// <param name="ParameterCount">Parameters of the compiled model, without padding.</param>
public sealed record Ready(string DataSha256, long ParameterCount) : Message
{
    /// <inheritdoc/>
    public override MessageKind Kind => MessageKind.Ready;
}
