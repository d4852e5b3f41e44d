using Distributed.Execution;
using Distributed.Protocol;
using Distributed.Roles;
using Distributed.Roles.Coordinator;
using Distributed.Roles.ParameterServer;
using Distributed.Runtime;

namespace Distributed.Coordinator;

/// <summary>
/// One worker's two links, as the coordinator holds them: turns what comes over them into inputs of the roles, and
/// sends what the roles say.
/// </summary>
internal sealed class WorkerConnection(
    WorkerId id, Hello hello, IControlLink control, WorkerConnections owner)
    : IControlHandler, IGradientReceiver, ITensorReceiver<GradientHeader>, ITensorSource<ParametersHeader>
{
    /// <summary>Pushes that are not counted: buffers and code are still being made then.</summary>
    private const int WarmUpPushes = 50;

    private readonly Queue<Publication> _outgoing = new();
    private readonly TaskCompletionSource<Ready> _ready = new();
    private DataLink<ParametersHeader, GradientHeader>? _data;
    private SharedCoordinatorLink? _shared;
    private Cluster? _cluster;
    private BufferId? _receiving;
    private bool _dataEnded;
    private int _opened;
    private int _gone;
    private int _pushes;
    private long _allocatedBytes;

    public WorkerId Id => id;

    public Hello Hello => hello;

    /// <summary>What the worker loaded; null while it is loading still.</summary>
    public Ready? WaitForReady(TimeSpan deadline) => _ready.Task.Wait(deadline) ? _ready.Task.Result : null;

    public string Name { get; } =
        hello.LaunchId >= 0 ? $"worker {hello.LaunchId + 1}" : $"{hello.Host}-{hello.ProcessId}";

    /// <summary>Pushes since the warm-up, and the managed bytes the worker allocated in them.</summary>
    public (int Pushes, long Bytes) Allocation => (Math.Max(0, _pushes - WarmUpPushes), _allocatedBytes);

    /// <summary>Sends a message. What is to be computed goes beside the parameters where they share memory: one wake-up
    /// less, and in order with its credits.</summary>
    public void Send(Message message)
    {
        if (_shared is { } shared && message is (Train or Credit)) shared.Send(message);
        else control.Send(message);
    }

    /// <summary>Begins to carry tensors, through shared memory if the worker finds it: the worker takes part from now
    /// on. False: it has a data connection already.</summary>
    public bool TryOpen(DataLink<ParametersHeader, GradientHeader> data, Cluster cluster)
    {
        if (Interlocked.Exchange(ref _opened, 1) != 0) return false;
        _cluster = cluster;
        _data = data;
        TensorLengths lengths = new(cluster.Store.Layout.Length, cluster.Store.Layout.GradientLength);
        int slots = RunPlan.GradientSlots(cluster.Specification, hello.Threads);
        _shared = SharedCoordinatorLink.TryOpen(data, lengths, slots, cluster.ParameterServer.Publications, this);
        if (_shared is null) data.Accept(lengths.Gradient, lengths.Parameters, this, this);
        return true;
    }

    /// <summary>Sends a publication without waiting for the worker; an older one that still waits is skipped.</summary>
    public void Publish(Publication publication)
    {
        if (_shared is not null)
        {
            _shared.Publish(publication);
            return;
        }

        lock (_outgoing)
        {
            if (_dataEnded) return;
            publication.Use();
            _outgoing.Enqueue(publication);
        }

        // If the link has ended meanwhile, its Ended releases what was enqueued.
        _data?.Post(publication.Header);
    }

    /// <summary>Ends both links; what is queued on the control link is sent first.</summary>
    public void Close()
    {
        _data?.Dispose();
        control.Finish();
    }

    public void Heard(IControlLink link) => _cluster?.Coordinator.Post(new WorkerHeard(id));

    public void Received(IControlLink link, Message message)
    {
        switch (message)
        {
            case Ready ready when _ready.TrySetResult(ready): break;
            case EvaluationResult result when _cluster is not null: _cluster.Coordinator.Return(id, result); break;
            case TraceSpans spans when owner.Trace is { } trace: trace.Write(id, Name, spans); break;
            case Leaving: _cluster?.Coordinator.Post(new WorkerLeaving(id)); break;
            default: End($"it sent {message.Kind} out of turn"); break;
        }
    }

    public void Ended(IControlLink link, LinkEnd end) => End(end.Reason);

    Span<float> ITensorReceiver<GradientHeader>.Acquire(in GradientHeader header)
    {
        _receiving = _cluster!.Store.RentGradient();
        if (_receiving is { } buffer) return _cluster.Store.Gradient(buffer);
        End("it pushed more than it was credited");
        return default;
    }

    void ITensorReceiver<GradientHeader>.Received(in GradientHeader header)
    {
        BufferId buffer = _receiving!.Value;
        _receiving = null;
        Arrive(header, buffer);
    }

    void IGradientReceiver.Arrived(in GradientHeader header, ILentBlock gradient) =>
        Arrive(header, _cluster!.Store.Borrow(gradient));

    void IGradientReceiver.Ended(LinkEnd end) => End(end.Reason);

    void ITensorReceiver<GradientHeader>.Ended(LinkEnd end)
    {
        if (_receiving is { } buffer) _cluster!.Store.ReleaseGradient(buffer);
        _receiving = null;
        lock (_outgoing)
        {
            _dataEnded = true;
            while (_outgoing.TryDequeue(out Publication? publication)) publication.Release();
        }

        End(end.Reason);
    }

    ReadOnlySpan<float> ITensorSource<ParametersHeader>.Lend(in ParametersHeader header)
    {
        lock (_outgoing)
        {
            while (_outgoing.TryPeek(out Publication? next) && next.Header.Version.Value < header.Version.Value)
                _outgoing.Dequeue().Release();
            if (_outgoing.Count > 1)
            {
                _outgoing.Dequeue().Release();
                return default;
            }

            return _outgoing.TryPeek(out Publication? publication) ? publication.Parameters : default;
        }
    }

    void ITensorSource<ParametersHeader>.Sent(in ParametersHeader header)
    {
        lock (_outgoing)
        {
            if (_outgoing.TryDequeue(out Publication? publication)) publication.Release();
        }
    }

    private void Arrive(in GradientHeader header, BufferId buffer)
    {
        if (++_pushes > WarmUpPushes) _allocatedBytes += header.AllocatedBytes;
        _cluster!.ParameterServer.Post(new NodeArrived(id, header, buffer));
    }

    private void End(string reason)
    {
        if (Interlocked.Exchange(ref _gone, 1) != 0) return;
        Close();
        owner.Forget(this, reason);
    }
}
