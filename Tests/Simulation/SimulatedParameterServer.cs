using Distributed.Checkpoints;
using Distributed.Protocol;
using Distributed.Roles.Coordinator;
using Distributed.Roles.ParameterServer;

namespace Distributed.Simulation;

/// <summary>
/// The parameter server's shell: real sums and optimizer steps, checked against the reference bit by bit. Requests of
/// the coordinator (keep the best, save) go through the same queue as the role's inputs and see the parameters as they
/// are then.
/// </summary>
internal sealed class SimulatedParameterServer
{
    private readonly ClusterSimulation _simulation;
    private readonly CoordinatorProcess _process;
    private readonly CheckpointFolder _folder;
    private readonly ParameterServerRole _role;
    private readonly List<ParameterServerEffect> _effects = [];
    private readonly GradientMemory _memory = new();
    private readonly float[] _parameters;
    private readonly float[] _momentum;
    private readonly float[] _average;
    private float[]? _best;
    private (Fence, StepNumber) _arrived;
    private long _steps;
    private int _queuedNodes;
    private Action? _saving;
    private bool _isGivenUp;
    private Publication _published;

    public SimulatedParameterServer(
        ClusterSimulation simulation, CoordinatorProcess process, CheckpointFolder folder, ParameterVersion version)
    {
        _simulation = simulation;
        _process = process;
        _folder = folder;
        Snapshot start = folder.Start;
        _role = new ParameterServerRole(process.Fence, version);
        _parameters = (float[])start.Parameters.Clone();
        _momentum = (float[])start.Momentum.Clone();
        _average = (float[])start.Average.Clone();
        _best = start.Best;
        _steps = start.Progress.Step;
        _published = new Publication(version, (float[])_parameters.Clone(), _steps);
        Mailbox = new Mailbox<object>(simulation.Time, simulation.Chance, Handle);
    }

    public Mailbox<object> Mailbox { get; }

    /// <summary>The coordinator no longer waits for the checkpoint that is being written.</summary>
    public void GiveSaveUp() => _isGivenUp = true;

    public bool IsBusy => Mailbox.Count > 0 || _saving is not null;

    public void Receive(WorkerId from, PushedGradient push)
    {
        if (Mailbox.IsClosed) return;
        BufferId id = _memory.Rent();
        _memory[id].CopyFrom(push.Gradient);
        _queuedNodes++;
        Mailbox.Post(new NodeArrived(from, push.Header, id));
    }

    private void Handle(object item)
    {
        _effects.Clear();
        if (item is NodeArrived arrived)
        {
            _queuedNodes--;
            _arrived = (arrived.Header.Fence, arrived.Header.Step);
        }

        switch (item)
        {
            case KeepBest: CopyBest(); break;
            case SaveCheckpoint save: Save(save); break;
            case ParameterServerInput input: _role.Handle(input, _effects); break;
            default: throw new SimulationFailure($"unknown request {item.GetType().Name}");
        }

        if (_simulation.IsTracing) _simulation.Trace($" P {item} -> {string.Join("; ", _effects)}");
        foreach (ParameterServerEffect effect in _effects) CarryOut(effect);
        int held = _memory.InUse - _queuedNodes;
        _simulation.SawHeldNodes(held);
    }

    private void CarryOut(ParameterServerEffect effect)
    {
        switch (effect)
        {
            case AddGradient add:
                _memory[add.Destination].Add(_memory[add.Source]);
                _memory.Release(add.Source);
                break;
            case ReleaseGradient release: _memory.Release(release.Buffer); break;
            case StepOptimizer step: Step(step); break;
            case PrepareParameters prepare:
                _published = new Publication(
                    prepare.Version,
                    (float[])Choose(prepare.Choice).Clone(),
                    prepare.Choice == ParameterChoice.Current ? _steps : -1);
                break;
            case SendParameters send:
                Check.That(
                    send.Version == _published.Version,
                    $"version {send.Version} is sent and {_published.Version} is published");
                if (_process.Connections.TryGetValue(send.Worker.Value, out Connection? connection))
                    connection.Publish(_published);
                break;
            case TellCoordinator tell:
                if (tell.Input is NodeDropped) _simulation.Witness("node dropped");
                if (tell.Input is NodeAccepted accepted)
                    Check.That(
                        _arrived == (_process.Fence, accepted.Step),
                        $"a node of {_arrived} is accepted in step {accepted.Step} under fence {_process.Fence}");
                _process.Post(tell.Input);
                break;
            case EndLink end: throw new SimulationFailure($"worker {end.Worker} is accused: {end.Reason}");
            default: throw new SimulationFailure($"unexpected effect {effect.GetType().Name}");
        }
    }

    private void Step(StepOptimizer step)
    {
        ToyProblem problem = _simulation.Problem;
        Check.That(step.Step.Value == _steps + 1, $"step {step.Step} follows step {_steps}");
        int first = (int)(_steps % problem.StepsPerEpoch) * problem.Batch;
        int samples = Math.Min(problem.Batch, problem.TrainingSamples - first);
        GradientBuffer sum = _memory[step.Gradient];
        Check.That(
            sum.Step == step.Step && sum.FirstSample == first && sum.EndSample == first + samples
            && step.Samples == samples,
            $"step {step.Step} sums samples {sum.FirstSample} to {sum.EndSample} of step {sum.Step}, "
            + $"not {first} and {samples} more");
        ToyProblem.Step(_parameters, _momentum, _average, sum.Values, step.Samples, step.Reductions);
        _memory.Release(step.Gradient);
        Check.That(
            _memory.InUse == _queuedNodes,
            $"{_memory.InUse - _queuedNodes} buffers are leaked after step {step.Step}");
        _steps++;
        CheckParameters(_steps, _parameters, "after a step");
    }

    private void CopyBest()
    {
        _best = (float[])(_simulation.Problem.EvaluatesAverage ? _average : _parameters).Clone();
        Check.That(_steps % _simulation.Problem.StepsPerEpoch == 0, $"step {_steps} ends no epoch and is kept as best");
    }

    private float[] Choose(ParameterChoice choice) => choice switch
    {
        ParameterChoice.Best => _best!,
        ParameterChoice.Average => _average,
        _ => _parameters,
    };

    private void Save(SaveCheckpoint save)
    {
        CheckParameters(save.Progress.Step, _parameters, "in a checkpoint");
        if (save.IsBest)
            Check.That(
                save.Progress.BestEpoch == save.Progress.Epoch && save.Progress.StepInEpoch == 0,
                $"a checkpoint of epoch {save.Progress.Epoch} step {save.Progress.StepInEpoch} is called best, "
                + $"and {save.Progress.BestEpoch} is");
        Snapshot snapshot = new(
            save.Progress, (float[])_parameters.Clone(), (float[])_momentum.Clone(), (float[])_average.Clone(), _best);
        if (_saving is not null)
        {
            Check.That(_isGivenUp, $"two checkpoints are written at a time");
            _simulation.Witness("disk hangs");
            if (save.IsBest) _folder.Miss(snapshot);
            _process.Post(new CheckpointFailed(save.Id, ClusterSimulation.DiskHangs));
            return;
        }

        _isGivenUp = false;
        _saving = _folder.Begin(snapshot, save.IsBest);
        _simulation.Time.After(_simulation.Chance.Milliseconds(1, 4000), () => EndSave(save.Id));
    }

    private void EndSave(long id)
    {
        if (_saving is not { } work) return;
        if (Mailbox.IsSuspended || _simulation.DiskHangsNow)
        {
            _simulation.Time.After(TimeSpan.FromMilliseconds(100), () => EndSave(id));
            return;
        }

        _saving = null;
        if (_simulation.PowerFailsInSave)
        {
            _simulation.Disk.KillWithin(work);
            _simulation.CutPower();
            return;
        }

        try
        {
            work();
            _simulation.Witness(_process == _simulation.Coordinator ? "checkpoint written" : "stale checkpoint");
            _process.Post(new CheckpointSaved(id));
        }
        catch (CheckpointException error)
        {
            _simulation.Witness("checkpoint lost");
            _process.Post(new CheckpointFailed(id, error.Message));
        }
    }

    /// <summary>kill -9; maybe in the middle of a save.</summary>
    public void Die()
    {
        Mailbox.Close();
        if (_saving is { } work && !Mailbox.IsSuspended && _simulation.Chance.Happens(0.7))
            _simulation.Disk.KillWithin(work);
        _saving = null;
    }

    private void CheckParameters(long steps, float[] parameters, string where) => Check.That(
        ReferenceRun.SameBits(parameters, _simulation.Reference.ParametersAfter(steps)),
        $"the parameters of {steps} steps differ {where}");
}
