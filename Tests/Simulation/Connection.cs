using Distributed.Protocol;

namespace Distributed.Simulation;

/// <summary>A copy of the parameters under a version.</summary>
internal sealed record Publication(ParameterVersion Version, float[] Parameters, long Steps);

/// <summary>A pushed node on its way, or an evaluation's results, or a word on the control link.</summary>
internal sealed record PushedGradient(GradientHeader Header, GradientBuffer Gradient);

/// <summary>
/// The two connections of a worker to a coordinator: control both ways, gradients up, parameters down.
/// </summary>
internal sealed class Connection
{
    private readonly VirtualTime _time;
    private readonly Chance _chance;
    private readonly WorkerProcess _worker;
    private Publication? _newest;
    private Publication? _atTheDoor;
    private bool _isSending;
    private bool _isCutDownwards;

    public Connection(
        ClusterSimulation simulation, WorkerId id, WorkerProcess worker, CoordinatorProcess coordinator)
    {
        (VirtualTime time, Chance chance, double disorder) =
            (simulation.Time, simulation.Chance, simulation.Disorder);
        _time = time;
        _chance = chance;
        _worker = worker;
        Id = id;
        ToWorker = new Link<Message>(time, chance, worker.Receive);
        ToCoordinator = new Link<object>(time, chance, item => coordinator.Receive(this, item));
        Gradients = new GradientLink(
            time, chance, disorder, simulation.Witness, push => coordinator.Receive(this, push));
    }

    public WorkerId Id { get; }

    public WorkerProcess Worker => _worker;

    public bool IsBroken { get; private set; }

    public Link<Message> ToWorker { get; }

    public Link<object> ToCoordinator { get; }

    public GradientLink Gradients { get; }

    /// <summary>
    /// Publishes parameters to the worker; an older publication that is not under way yet is skipped.
    /// </summary>
    public void Publish(Publication publication)
    {
        _newest = publication;
        SendNewest();
    }

    /// <summary>The worker took what waited into use: the next one may come in.</summary>
    public void WaitingBlockIsFree()
    {
        if (_atTheDoor is { } publication)
        {
            _atTheDoor = null;
            _worker.ReceiveParameters(publication);
        }

        SendNewest();
    }

    /// <summary>Nothing gets through any more, downwards (to the worker), upwards, or both.</summary>
    public void Cut(bool downwards, bool upwards)
    {
        if (downwards)
        {
            _isCutDownwards = true;
            ToWorker.Cut();
        }

        if (!upwards) return;
        ToCoordinator.Cut();
        Gradients.Cut();
    }

    /// <summary>Everything gets through again; what waited first.</summary>
    public void Heal()
    {
        if (IsBroken) return;
        _isCutDownwards = false;
        ToWorker.Heal();
        ToCoordinator.Heal();
        Gradients.Heal();
        SendNewest();
    }

    /// <summary>Ends both connections: what is under way is lost.</summary>
    public void Break()
    {
        IsBroken = true;
        ToWorker.Break();
        ToCoordinator.Break();
        Gradients.Break();
    }

    private void SendNewest()
    {
        if (_isSending || _atTheDoor is not null || IsBroken || _isCutDownwards) return;
        if (_newest is not { } publication) return;
        _newest = null;
        _isSending = true;
        _time.After(_chance.Milliseconds(0.1, _chance.Happens(0.05) ? 500 : 10), () =>
        {
            _isSending = false;
            if (IsBroken) return;
            if (_isCutDownwards)
            {
                _newest ??= publication;
                return;
            }

            if (_worker.HasWaitingParameters) _atTheDoor = publication;
            else _worker.ReceiveParameters(publication);
            SendNewest();
        });
    }
}
