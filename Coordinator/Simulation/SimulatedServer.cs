using Distributed.Protocol;
using Distributed.Roles;
using Distributed.Roles.Coordinator;
using Distributed.Roles.ParameterServer;

namespace Distributed.Coordinator;

/// <summary>
/// The coordinator's process in the simulation: the roles of the coordinator (of many workers its stand-in) and of the
/// parameter server, each on a thread of its own. Leases don't run out, nothing is saved or validated: only steps take
/// time.
/// </summary>
internal sealed class SimulatedServer
{
    private static readonly ParameterVersion FirstVersion = new(1);

    private readonly ScaleSimulation _simulation;
    private readonly CostModel _cost;
    private readonly CoordinatorRole? _role;
    private readonly EvenCoordinator? _standIn;
    private readonly ParameterServerRole _serverRole;
    private readonly SerialActor<CoordinatorInput> _coordinator;
    private readonly SerialActor<ParameterServerInput> _server;
    private readonly List<CoordinatorEffect> _orders = [];
    private readonly List<ParameterServerEffect> _effects = [];
    private TimeSpan? _armed;
    private int _armings;
    private int _buffers;

    public SimulatedServer(ScaleSimulation simulation, TrainingSettings settings, bool hasStandIn)
    {
        _simulation = simulation;
        _cost = simulation.Cost;
        _coordinator = new SerialActor<CoordinatorInput>(simulation.Time, Handle);
        _server = new SerialActor<ParameterServerInput>(simulation.Time, Handle);
        _serverRole = new ParameterServerRole(ScaleSimulation.Fence, FirstVersion);
        if (hasStandIn)
        {
            _standIn = new EvenCoordinator(settings, ScaleSimulation.Fence, _cost.Threads, FirstVersion);
        }
        else
        {
            _role = new CoordinatorRole(
                settings, ScaleSimulation.Fence, new TrainingProgress(), FirstVersion, TimeSpan.Zero);
        }
    }

    /// <summary>Seconds that its two threads worked, added.</summary>
    public double SpentSeconds => _coordinator.SpentSeconds + _server.SpentSeconds;

    /// <summary>A worker joins.</summary>
    public void Join(int index) => _coordinator.Post(
        TimeSpan.Zero, new WorkerJoined(new WorkerId(index + 1), $"worker {index + 1}", _cost.Threads));

    /// <summary>A gradient is there at a time.</summary>
    public void Receive(TimeSpan at, int worker, GradientHeader header) =>
        _server.Post(at, new NodeArrived(new WorkerId(worker + 1), header, new BufferId(_buffers++)));

    private void Handle(CoordinatorInput input)
    {
        _orders.Clear();
        _role?.Handle(input, _simulation.Time.Now, _orders);
        _standIn?.Handle(input, _orders);
        foreach (CoordinatorEffect order in _orders)
        {
            switch (order)
            {
                case SendToWorker send:
                    _coordinator.Spend(_cost.MessageSeconds);
                    _simulation.Worker(send.Worker).Receive(
                        _simulation.Network.Message(_coordinator.Free), send.Message);
                    break;
                case BeginStep begin:
                    Tell(new CollectStep(begin.Step, begin.Samples, begin.MicroBatch, begin.Reductions));
                    break;
                case PublishTo publish: Tell(new Subscribe(publish.Worker)); break;
                case SaveCheckpoint save:
                    _coordinator.Post(_coordinator.Free, new CheckpointSaved(save.Id));
                    break;
                case Report { Event: StepEnded }: _simulation.EndStep(); break;
                case Report: break;
                default: throw new InvalidOperationException($"{order.GetType().Name} takes no part in a simulation.");
            }
        }

        Arm(_role?.Deadline);
    }

    private void Tell(ParameterServerInput input) =>
        _server.Post(_coordinator.Free + VirtualTime.Span(_cost.HandOverSeconds), input);

    private void Arm(TimeSpan? deadline)
    {
        if (deadline == _armed) return;
        _armed = deadline;
        int arming = ++_armings;
        if (deadline is not { } at) return;
        _simulation.Time.At(at, () =>
        {
            if (arming != _armings) return;
            _armed = null;
            _coordinator.Post(_simulation.Time.Now, new DeadlineReached());
        });
    }

    private void Handle(ParameterServerInput input)
    {
        _effects.Clear();
        _serverRole.Handle(input, _effects);
        foreach (ParameterServerEffect effect in _effects)
        {
            switch (effect)
            {
                case AddGradient: _server.Spend(_cost.AddSeconds); break;
                case ReleaseGradient: break;
                case StepOptimizer: _server.Spend(_cost.OptimizerSeconds); break;
                case PrepareParameters: _server.Spend(_cost.CopySeconds); break;
                case SendParameters send:
                    _server.Spend(_cost.MessageSeconds);
                    int worker = send.Worker.Value - 1;
                    _simulation.Worker(send.Worker).ReceiveParameters(
                        _simulation.Network.Publish(worker, _server.Free), send.Version);
                    break;
                case TellCoordinator tell:
                    _coordinator.Post(_server.Free + VirtualTime.Span(_cost.HandOverSeconds), tell.Input);
                    break;
                default: throw new InvalidOperationException($"{effect.GetType().Name} takes no part in a simulation.");
            }
        }
    }
}
