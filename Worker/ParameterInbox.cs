using Distributed.Execution;
using Distributed.Protocol;
using Distributed.Roles.Worker;
using Distributed.Runtime;

namespace Distributed.Worker;

/// <summary>
/// Hands the data link the block that parameters are received into. The block is free once the role has taken what it
/// held into use; until then the link waits, and with it the coordinator's sender for this worker alone. The wait ends
/// when the session does.
/// </summary>
internal sealed class ParameterInbox(WorkerExecution execution, Mailbox<WorkerInput> mailbox) : IDisposable
{
    private readonly SemaphoreSlim _free = new(1);
    private volatile bool _ended;

    /// <summary>The block to receive into; empty when the session has ended.</summary>
    public Span<float> Acquire()
    {
        _free.Wait();
        return _ended ? default : execution.Waiting;
    }

    /// <summary>What was received is whole.</summary>
    public void Arrived(ParameterVersion version) =>
        mailbox.Post(new WorkerInput(WorkerInputKind.ParametersArrived, Version: version));

    /// <summary>The role took the block into use: the next parameters may come.</summary>
    public void Free() => _free.Release();

    /// <summary>Ends the wait of the link.</summary>
    public void Dispose()
    {
        _ended = true;
        _free.Release();
    }
}
