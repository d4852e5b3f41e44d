using Distributed.Protocol;
using Distributed.Roles.Coordinator;
using Distributed.Roles.ParameterServer;

namespace Distributed.Simulation;

/// <summary>One life of the coordinator's process: the shells of the coordinator and of the parameter server.</summary>
internal sealed class CoordinatorProcess
{
    private readonly ClusterSimulation _simulation;
    private readonly VirtualTime _time;
    private readonly Mailbox<CoordinatorInput> _mailbox;
    private readonly Dictionary<int, Connection> _connections = [];
    private readonly Dictionary<long, DataSplit> _splits = [];
    private readonly CoordinatorRole _role;
    private readonly List<CoordinatorEffect> _effects = [];
    private readonly SimulatedParameterServer _parameterServer;
    private TimeSpan _clockAhead;
    private TimeSpan? _armed;
    private int _armings;
    private int _workers;

    /// <exception cref="Distributed.Checkpoints.CheckpointException">The disk is full.</exception>
    public CoordinatorProcess(ClusterSimulation simulation)
    {
        _simulation = simulation;
        _time = simulation.Time;
        CheckpointFolder folder = new(simulation);
        Fence = folder.Fence;
        ParameterVersion version = new(simulation.Chance.Below(1000));
        _mailbox = new Mailbox<CoordinatorInput>(_time, simulation.Chance, Handle);
        _parameterServer = new SimulatedParameterServer(simulation, this, folder, version);
        _role = new CoordinatorRole(simulation.Settings, Fence, folder.Start.Progress, version, Clock);
    }

    public Fence Fence { get; }

    public bool IsAlive => !_mailbox.IsClosed;

    public bool IsStopped => _mailbox.IsSuspended;

    public TrainingProgress Progress => _role.Progress;

    private TimeSpan Clock => _time.Now + _clockAhead;

    public IReadOnlyDictionary<int, Connection> Connections => _connections;

    /// <summary>Lets a worker in under a new number.</summary>
    public void Accept(WorkerProcess worker)
    {
        WorkerId id = new(++_workers);
        Connection connection = new(_simulation, id, worker, this);
        _connections.Add(id.Value, connection);
        worker.Connect(connection, Fence);
        Post(new WorkerJoined(id, $"worker {worker.Number}", worker.Threads));
    }

    public void Post(CoordinatorInput input) => _mailbox.Post(input);

    /// <summary>Something came over a control link.</summary>
    public void Receive(Connection from, object item)
    {
        if (item is EvaluationResult result)
        {
            DataSplit split = _splits[result.Evaluation];
            int correct = result.Predictions.Where((p, i) => p == ToyProblem.Label(split, result.First + i)).Count();
            Post(new EvaluationReturned(from.Id, result, correct));
        }
        else
        {
            Post((CoordinatorInput)item);
        }
    }

    /// <summary>A gradient came over a data link.</summary>
    public void Receive(Connection from, PushedGradient push) => _parameterServer.Receive(from.Id, push);

    /// <summary>A connection ended and this side notices it.</summary>
    public void Lose(Connection connection, string reason)
    {
        connection.Break();
        if (_connections.Remove(connection.Id.Value)) Post(new WorkerGone(connection.Id, reason));
    }

    public void StopProcess()
    {
        _mailbox.Suspend();
        _parameterServer.Mailbox.Suspend();
    }

    public void ResumeProcess()
    {
        _mailbox.Resume();
        _parameterServer.Mailbox.Resume();
    }

    /// <summary>Its clock goes forward all at once, as after a virtual machine was suspended.</summary>
    public void JumpClock(TimeSpan jump)
    {
        _clockAhead += jump;
        TimeSpan? deadline = _armed;
        _armed = null;
        Arm(deadline);
    }

    /// <summary>kill -9, or the end of a run: every connection breaks.</summary>
    public void Die()
    {
        _mailbox.Close();
        _parameterServer.Die();
        foreach (Connection connection in _connections.Values) connection.Break();
    }

    private void Handle(CoordinatorInput input)
    {
        _effects.Clear();
        _role.Handle(input, Clock, _effects);
        if (_simulation.IsTracing) _simulation.Trace($"C {input} -> {string.Join("; ", _effects)}");
        foreach (CoordinatorEffect effect in _effects) CarryOut(effect);
        if (!IsAlive) return;
        TimeSpan? deadline = _role.Deadline;
        Check.That(deadline is null || deadline > Clock, $"the deadline {deadline} has passed and stays");
        Check.That(
            deadline is not null || _role.IsFinished || _mailbox.Count > 0 || _parameterServer.IsBusy,
            $"the coordinator waits without a deadline after {input.GetType().Name}");
        Arm(deadline);
    }

    private void Arm(TimeSpan? deadline)
    {
        if (deadline == _armed) return;
        _armed = deadline;
        int arming = ++_armings;
        if (deadline is not { } at) return;
        _time.At(at - _clockAhead, () =>
        {
            if (arming != _armings || !IsAlive) return;
            _armed = null;
            Post(new DeadlineReached());
        });
    }

    private void CarryOut(CoordinatorEffect effect)
    {
        switch (effect)
        {
            case SendToWorker send:
                if (send.Message is Evaluate evaluate) _splits[evaluate.Evaluation] = evaluate.Split;
                if (_connections.TryGetValue(send.Worker.Value, out Connection? connection))
                    connection.ToWorker.Send(send.Message);
                break;
            case DropWorker drop: Drop(drop); break;
            case BeginStep begin:
                Tell(new CollectStep(begin.Step, begin.Samples, begin.MicroBatch, begin.Reductions));
                break;
            case CancelStep cancel:
                _simulation.Witness("step cancelled");
                Tell(new GiveUpStep(cancel.Step));
                break;
            case PublishTo to: Tell(new Subscribe(to.Worker)); break;
            case StopPublishingTo to: Tell(new Unsubscribe(to.Worker)); break;
            case PublishParameters publish:
                _simulation.Witness($"{publish.Choice} published");
                Tell(new PublishChoice(publish.Choice));
                break;
            case KeepBest or SaveCheckpoint: Tell(effect); break;
            case Report report:
                if (report.Event is Notice notice && notice.Text.Contains("is given up", StringComparison.Ordinal))
                    _parameterServer.GiveSaveUp();
                _simulation.Watch(report.Event);
                break;
            case Finish finish: _simulation.Finished(this, finish); break;
            default: throw new SimulationFailure($"unknown effect {effect.GetType().Name}");
        }
    }

    private void Tell(object item) => _parameterServer.Mailbox.Post(item);

    private void Drop(DropWorker drop)
    {
        if (!_connections.TryGetValue(drop.Worker.Value, out Connection? connection)) return;
        WorkerProcess worker = connection.Worker;
        TimeSpan well = _time.Now - worker.WellSince;
        bool isWell = worker.IsWell && !connection.IsBroken && well >= _simulation.Settings.DropAfter;
        _simulation.Witness(
            isWell && !_simulation.CoordinatorWasStopped ? "worker dropped though well" : "worker dropped");
        Lose(connection, drop.Reason);
        if (worker.IsAlive) _simulation.End(worker, isNoticed: true);
    }
}
