using Distributed.Protocol;
using Distributed.Roles.Coordinator;

namespace Distributed.Roles.ParameterServer;

/// <summary>
/// Sums the gradient nodes of a step along the canonical tree, whatever order they arrive in, and orders the
/// optimizer step and the publication when the root is complete. Accepts each node once by its identity
/// (run, fence, step, node). A pure state machine that names buffers by number and touches no value.
/// </summary>
public sealed class ParameterServerRole
{
    private readonly Fence _fence;
    private readonly ReductionTree _tree = new();
    private readonly List<BufferOperation> _operations = [];
    private readonly SortedSet<int> _subscribers = [];
    private ParameterVersion _version;
    private StepNumber _step;
    private int _samples;
    private int _microBatch;
    private int _reductions;
    private bool _collecting;

    /// <summary>Creates the role under <paramref name="fence"/>, with <paramref name="version"/> published.</summary>
    public ParameterServerRole(Fence fence, ParameterVersion version)
    {
        _fence = fence;
        _version = version;
    }

    private int MicroBatches => (_samples + _microBatch - 1) / _microBatch;

    /// <summary>Takes in what happened and appends what is to be done.</summary>
    public void Handle(ParameterServerInput input, List<ParameterServerEffect> effects)
    {
        switch (input)
        {
            case NodeArrived arrived: Take(arrived, effects); break;
            case CollectStep collect: Collect(collect, effects); break;
            case GiveUpStep giveUp: GiveUp(giveUp, effects); break;
            case Subscribe subscribe:
                _subscribers.Add(subscribe.Worker.Value);
                effects.Add(new SendParameters(subscribe.Worker, _version));
                break;
            case Unsubscribe unsubscribe: _subscribers.Remove(unsubscribe.Worker.Value); break;
            case PublishChoice publish:
                Publish(publish.Choice, effects);
                effects.Add(new TellCoordinator(new ParametersPublished(_version, publish.Choice)));
                break;
            default: throw new InvalidOperationException($"Unknown input {input.GetType().Name}.");
        }
    }

    private void Collect(CollectStep collect, List<ParameterServerEffect> effects)
    {
        if (_collecting) throw new InvalidOperationException($"Step {_step.Value} is still being collected.");
        _step = collect.Step;
        _samples = collect.Samples;
        _microBatch = collect.MicroBatch;
        _reductions = collect.Reductions;
        _collecting = true;
        _tree.Reset(MicroBatches, _operations);
        _tree.AddRoot(TreeNode.Root(MicroBatches));
        Carry(effects);
    }

    private void GiveUp(GiveUpStep giveUp, List<ParameterServerEffect> effects)
    {
        if (!_collecting || giveUp.Step != _step) return;
        _collecting = false;
        _tree.Reset(0, _operations);
        Carry(effects);
        effects.Add(new TellCoordinator(new StepCancelled(_step)));
    }

    private void Take(NodeArrived arrived, List<ParameterServerEffect> effects)
    {
        GradientHeader header = arrived.Header;
        if (!_collecting || header.Fence != _fence || header.Step != _step)
        {
            Drop(arrived, effects);
            return;
        }

        if (Defect(header) is { } defect)
        {
            effects.Add(new ReleaseGradient(arrived.Buffer));
            effects.Add(new EndLink(arrived.Worker, defect));
            return;
        }

        NodeStatistics statistics = new(header.Samples, header.LossSum, header.Correct, header.ComputeMicroseconds);
        OfferOutcome outcome = _tree.Offer(header.Node, arrived.Buffer, statistics, _operations, out TreeNode root);
        if (outcome == OfferOutcome.Duplicate)
        {
            Drop(arrived, effects);
            return;
        }

        Carry(effects);
        effects.Add(new TellCoordinator(
            new NodeAccepted(_step, header.Node, arrived.Worker, statistics, _tree.Held.Count)));
        if (outcome == OfferOutcome.Completed) Complete(_tree.Take(root), effects);
    }

    private void Complete(HeldNode root, List<ParameterServerEffect> effects)
    {
        _collecting = false;
        if (!double.IsFinite(root.Statistics.LossSum))
        {
            effects.Add(new DiagnoseNotFinite(_step, root.Buffer));
            return;
        }

        effects.Add(new StepOptimizer(_step, root.Statistics.Samples, root.Buffer, _reductions));
        Publish(ParameterChoice.Current, effects);
        effects.Add(new TellCoordinator(new StepApplied(_step, _version, root.Statistics)));
    }

    private void Publish(ParameterChoice choice, List<ParameterServerEffect> effects)
    {
        _version = new ParameterVersion(_version.Value + 1);
        effects.Add(new PrepareParameters(_version, choice));
        foreach (int worker in _subscribers) effects.Add(new SendParameters(new WorkerId(worker), _version));
    }

    /// <summary>What a peer got wrong in a node of the current step; null when it fits.</summary>
    private string? Defect(in GradientHeader header)
    {
        if (!header.Node.IsNodeOf(MicroBatches))
            return $"{header.Node} is no node of the tree over {MicroBatches} micro-batches";
        int expected = Math.Min(header.Node.End * _microBatch, _samples) - header.Node.Start * _microBatch;
        if (header.Samples != expected)
            return $"node {header.Node} covers {expected} samples, and it said {header.Samples}";
        return header.Correct < 0 || header.Correct > expected
            ? $"{header.Correct} of {expected} samples cannot be correct"
            : null;
    }

    private static void Drop(NodeArrived arrived, List<ParameterServerEffect> effects)
    {
        effects.Add(new ReleaseGradient(arrived.Buffer));
        effects.Add(new TellCoordinator(new NodeDropped(
            arrived.Worker, arrived.Header.Node.Count, arrived.Header.ComputeMicroseconds)));
    }

    private void Carry(List<ParameterServerEffect> effects)
    {
        foreach (BufferOperation operation in _operations)
        {
            effects.Add(operation.Add
                ? new AddGradient(operation.Destination, operation.Source)
                : new ReleaseGradient(operation.Destination));
        }

        _operations.Clear();
    }
}
