namespace Distributed.Protocol;

/// <summary>The first message of a control connection, worker to coordinator: who asks to join.</summary>
/// <param name="Protocol">The protocol's version, <see cref="ProtocolVersion.Current"/> of the sender.</param>
/// <param name="Token">The run's secret token.</param>
/// <param name="Program">The program's version.</param>
/// <param name="NumericsClass">The class within which bits are equal, such as "fp32-cpu-1".</param>
/// <param name="Host">The host's name, for people.</param>
/// <param name="ProcessId">The process's id on its host.</param>
/// <param name="Threads">Compute threads.</param>
/// <param name="LaunchId">The place among the processes that the coordinator started itself; -1: somebody else did.</param>
public sealed record Hello(
    int Protocol, string Token, string Program, string NumericsClass, string Host, int ProcessId, int Threads, int LaunchId)
    : Message
{
    /// <inheritdoc/>
    public override MessageKind Kind => MessageKind.Hello;

    /// <summary>Leaves the token out: it is a secret.</summary>
    protected override bool PrintMembers(System.Text.StringBuilder builder)
    {
        builder.Append($"Protocol = {Protocol}, Program = {Program}, Host = {Host}, ProcessId = {ProcessId}");
        return true;
    }
}
