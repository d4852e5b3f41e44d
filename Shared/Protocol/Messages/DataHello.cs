namespace Distributed.Protocol;

/// <summary>The first message of a data connection, worker to coordinator; answered by <see cref="DataReady"/> or
/// <see cref="Refused"/>.</summary>
/// <param name="Token">The run's secret token.</param>
/// <param name="Run">The run, from <see cref="Welcome"/>.</param>
/// <param name="Fence">The coordinator's fence, from <see cref="Welcome"/>.</param>
/// <param name="Worker">The worker's number, from <see cref="Welcome"/>.</param>
public sealed record DataHello(string Token, RunId Run, Fence Fence, WorkerId Worker) : Message
{
    /// <inheritdoc/>
    public override MessageKind Kind => MessageKind.DataHello;

    /// <summary>Leaves the token out: it is a secret.</summary>
    protected override bool PrintMembers(System.Text.StringBuilder builder)
    {
        builder.Append($"Run = {Run}, Fence = {Fence}, Worker = {Worker}");
        return true;
    }
}
