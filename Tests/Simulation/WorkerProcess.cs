using Distributed.Protocol;
using Distributed.Roles.Coordinator;
using Distributed.Roles.Worker;

namespace Distributed.Simulation;

/// <summary>
/// A worker's process: the role's shell, compute threads that take random time, and the ways in which a process can
/// misbehave: killed, stopped, slow. It serves one coordinator; after a lost connection a new process takes its place.
/// </summary>
internal sealed class WorkerProcess
{
    private readonly ClusterSimulation _simulation;
    private readonly VirtualTime _time;
    private readonly Chance _chance;
    private readonly Mailbox<WorkerInput> _mailbox;
    private readonly GradientMemory _memory = new();
    private readonly Dictionary<int, (double[] Losses, int[] Predictions)> _results = [];
    private readonly List<WorkerEffect> _effects = [];
    private readonly List<Action> _whenResumed = [];
    private readonly bool[] _busy;
    private readonly TimeSpan _microBatchTime;
    private readonly int _leavesPerPass;
    private int _slowComputes;
    private WorkerRole? _role;
    private Connection? _connection;
    private Fence _fence;
    private Publication? _waiting;
    private Publication? _inUse;

    public WorkerProcess(ClusterSimulation simulation, int number)
    {
        _simulation = simulation;
        _time = simulation.Time;
        _chance = simulation.Chance;
        Number = number;
        _busy = new bool[_chance.Between(1, 3)];
        _microBatchTime = _chance.Milliseconds(5, 500);
        if (_microBatchTime > simulation.SlowestMicroBatch) simulation.SlowestMicroBatch = _microBatchTime;
        _leavesPerPass = 1 << _chance.Between(0, 3);
        _mailbox = new Mailbox<WorkerInput>(_time, _chance, Handle);
    }

    public int Number { get; }

    public int Threads => _busy.Length;

    public bool IsAlive { get; private set; } = true;

    public bool IsStopped => _mailbox.IsSuspended;

    /// <summary>Factor on its compute time.</summary>
    public double Slowness { get; private set; } = 1;

    /// <summary>Since when nothing is wrong with it, if nothing is.</summary>
    public TimeSpan WellSince { get; private set; }

    /// <summary>Whether nothing is wrong with it now.</summary>
    public bool IsWell =>
        IsAlive && !IsStopped && !IsCutOff && Slowness == 1 && _slowComputes == 0 && !IsLeaving;

    /// <summary>Whether something is wrong with the network between it and the coordinator.</summary>
    public bool IsCutOff
    {
        get;
        set
        {
            field = value;
            WellSince = _time.Now;
        }
    }

    public bool IsLeaving { get; private set; }

    public bool IsConnected => _connection is not null;

    public bool HasWaitingParameters => _waiting is not null;

    /// <summary>Starts to serve a coordinator.</summary>
    public void Connect(Connection connection, Fence fence)
    {
        _connection = connection;
        _fence = fence;
        _role = new WorkerRole(fence, Threads, _leavesPerPass);
        WellSince = _time.Now;
        Beat();
    }

    public void Receive(Message message)
    {
        switch (message)
        {
            case Train train: _mailbox.Post(new WorkerInput(WorkerInputKind.Train, train)); break;
            case Credit credit: _mailbox.Post(new WorkerInput(WorkerInputKind.Credit, credit)); break;
            case Evaluate evaluate: _mailbox.Post(new WorkerInput(WorkerInputKind.Evaluate, evaluate)); break;
            case Stop: WhenRunning(() => _simulation.End(this, isNoticed: true)); break;
            default: throw new SimulationFailure($"a worker cannot take {message.Kind}");
        }
    }

    public void ReceiveParameters(Publication publication)
    {
        Check.That(_waiting is null, $"parameters overwrite those that wait");
        _waiting = publication;
        _mailbox.Post(new WorkerInput(WorkerInputKind.ParametersArrived, Version: publication.Version));
    }

    /// <summary>SIGSTOP: nothing is handled, sent or computed.</summary>
    public void StopProcess() => _mailbox.Suspend();

    /// <summary>SIGCONT: it goes on with everything that queued up.</summary>
    public void ResumeProcess()
    {
        if (!IsStopped || !IsAlive) return;
        _mailbox.Resume();
        WellSince = _time.Now;
        Action[] waiting = [.. _whenResumed];
        _whenResumed.Clear();
        foreach (Action action in waiting) WhenRunning(action);
    }

    public void SetSlowness(double slowness)
    {
        Slowness = slowness;
        WellSince = _time.Now;
    }

    /// <summary>It asks to leave.</summary>
    public void Leave()
    {
        IsLeaving = true;
        WhenRunning(() => _connection?.ToCoordinator.Send(new WorkerLeaving(_connection.Id)));
    }

    /// <summary>kill -9.</summary>
    public void Die()
    {
        IsAlive = false;
        _mailbox.Close();
    }

    private void WhenRunning(Action action)
    {
        if (!IsAlive) return;
        if (IsStopped) _whenResumed.Add(action);
        else action();
    }

    private void Beat() => WhenRunning(() =>
    {
        _connection!.ToCoordinator.Send(new WorkerHeard(_connection.Id));
        _time.After(TimeSpan.FromMilliseconds(500), Beat);
    });

    private void Handle(WorkerInput input)
    {
        _effects.Clear();
        _role!.Handle(input, _effects);
        if (_simulation.IsTracing)
            _simulation.Trace(
            $"  w{_connection!.Id} {Describe(input)} -> {string.Join(", ", _effects.Select(Describe))}");
        // The link reuses its messages: a role that kept one would see this.
        if (input.Message is Train train) train.Nodes.Clear();
        foreach (WorkerEffect effect in _effects) CarryOut(effect);
        int bound = Threads + 4 * _simulation.Problem.Batch;
        Check.That(_role.Buffers <= bound, $"worker {_connection!.Id} names {_role.Buffers} buffers");
    }

    private void CarryOut(in WorkerEffect effect)
    {
        switch (effect.Kind)
        {
            case WorkerEffectKind.UseParameters: UseParameters(effect.Version); break;
            case WorkerEffectKind.Compute: Compute(effect); break;
            case WorkerEffectKind.Evaluate: Evaluate(effect); break;
            case WorkerEffectKind.Add: _memory[effect.Buffer].Add(_memory[effect.Source]); break;
            case WorkerEffectKind.Push: Push(effect); break;
            case WorkerEffectKind.SendResult: SendResult(effect); break;
            default: throw new SimulationFailure($"unknown effect {effect.Kind}");
        }
    }

    private void UseParameters(ParameterVersion version)
    {
        Check.That(_waiting?.Version == version, $"parameters {version} are used while {_waiting?.Version} wait");
        Check.That(Array.IndexOf(_busy, true) < 0, $"parameters are exchanged under a thread that computes");
        _inUse = _waiting;
        _waiting = null;
        _connection!.WaitingBlockIsFree();
        _time.After(Duration(0.1), () => WhenRunning(
            () => _mailbox.Post(new WorkerInput(WorkerInputKind.Prepared, Version: version))));
    }

    private void Compute(WorkerEffect effect)
    {
        Occupy(effect);
        long steps = effect.Step.Value - 1;
        Check.That(
            _inUse!.Steps == steps, $"step {effect.Step} is computed under the parameters of {_inUse.Steps} steps");
        GradientBuffer buffer = _memory[effect.Buffer];
        Check.That(buffer.State != GradientBuffer.Use.Filling, $"two threads compute into one buffer");
        buffer.State = GradientBuffer.Use.Filling;
        TimeSpan duration = Duration(effect.Node.Count);
        AfterCompute(duration, () =>
        {
            buffer.State = GradientBuffer.Use.Filled;
            int epoch = (int)(steps / _simulation.Problem.StepsPerEpoch);
            Check.That(epoch == effect.Epoch, $"step {effect.Step} is computed for epoch {effect.Epoch}");
            Check.That(effect.Node.Count <= _leavesPerPass, $"a pass computes {effect.Node}");
            NodeStatistics sums = _simulation.Problem.Gradient(
                _inUse!.Parameters, effect.Epoch, effect.Node, effect.First, effect.Count, buffer.Values);
            (buffer.Step, buffer.FirstSample, buffer.EndSample) =
                (effect.Step, effect.First, effect.First + effect.Count);
            _busy[effect.Thread] = false;
            _mailbox.Post(new WorkerInput(
                WorkerInputKind.Computed, Thread: effect.Thread, Step: effect.Step, Buffer: effect.Buffer,
                Node: effect.Node,
                Statistics: sums with { ComputeMicroseconds = (long)duration.TotalMicroseconds }));
        });
    }

    private void Evaluate(WorkerEffect effect)
    {
        Occupy(effect);
        if (!_results.ContainsKey(effect.Buffer.Value)) _results[effect.Buffer.Value] = (new double[8], new int[64]);
        (double[] losses, int[] predictions) = _results[effect.Buffer.Value];
        AfterCompute(Duration(0.4), () =>
        {
            int offset = effect.MicroBatch * _simulation.Problem.MicroBatch;
            losses[effect.MicroBatch] = ToyProblem.Evaluate(
                _inUse!.Parameters, effect.Split, effect.First, effect.Count, predictions.AsSpan(offset, effect.Count));
            _busy[effect.Thread] = false;
            _mailbox.Post(new WorkerInput(
                WorkerInputKind.Evaluated, Thread: effect.Thread, MicroBatch: effect.MicroBatch,
                Buffer: effect.Buffer));
        });
    }

    private void AfterCompute(TimeSpan duration, Action action)
    {
        bool isSlow = Slowness > 1;
        if (isSlow) _slowComputes++;
        if (duration > _simulation.LongestCompute) _simulation.LongestCompute = duration;
        _time.After(duration, () => WhenRunning(() =>
        {
            if (isSlow) (_slowComputes, WellSince) = (_slowComputes - 1, _time.Now);
            action();
        }));
    }

    private void Occupy(in WorkerEffect effect)
    {
        Check.That(!_busy[effect.Thread], $"thread {effect.Thread} is given work while it computes");
        Check.That(
            _inUse?.Version == effect.Version, $"compute under {effect.Version} while {_inUse?.Version} is in use");
        _busy[effect.Thread] = true;
    }

    private void Push(in WorkerEffect effect)
    {
        GradientBuffer copy = new();
        copy.CopyFrom(_memory[effect.Buffer]);
        NodeStatistics sums = effect.Statistics;
        PushedGradient push = new(
            new GradientHeader(
                _fence, effect.Step, effect.Node, sums.Samples, sums.LossSum, sums.Correct,
                sums.ComputeMicroseconds, 0),
            copy);
        _simulation.Remember(push);
        _connection!.Gradients.Send(push);
    }

    private void SendResult(in WorkerEffect effect)
    {
        (double[] losses, int[] predictions) = _results[effect.Buffer.Value];
        EvaluationResult result = new(
            _fence, effect.Evaluation, effect.First, effect.Count,
            losses[..effect.MicroBatch], predictions[..effect.Count], effect.Count);
        _connection!.ToCoordinator.Send(result);
    }

    private TimeSpan Duration(double share) =>
        _microBatchTime * (share * Slowness * (0.5 + _chance.Below(1000) / 1000.0));

    private static string Describe(WorkerInput input) => input.Kind switch
    {
        WorkerInputKind.Train => Describe((Train)input.Message!),
        WorkerInputKind.Computed => $"Computed {input.Step}/{input.Node}",
        WorkerInputKind.ParametersArrived or WorkerInputKind.Prepared => $"{input.Kind} {input.Version}",
        _ => input.Kind.ToString(),
    };

    private static string Describe(Train train) =>
        $"Train {train.Step} [{string.Join(" ", train.Nodes)}] credits {train.Credits}";

    private static string Describe(WorkerEffect effect) => effect.Kind switch
    {
        WorkerEffectKind.Compute => $"Compute {effect.Step}/{effect.Node} in b{effect.Buffer.Value}",
        WorkerEffectKind.Push => $"Push {effect.Node} b{effect.Buffer.Value}",
        WorkerEffectKind.Add => $"b{effect.Buffer.Value} += b{effect.Source.Value}",
        _ => effect.Kind.ToString(),
    };
}
