using Distributed.Protocol;

namespace Distributed.Roles.Worker;

/// <summary>
/// Decides what a worker computes next, adds gradients along the canonical tree wherever both children are its own,
/// and pushes the nodes it owes in the order it was dealt them, as credits allow. A pure state machine; after the
/// first steps it allocates nothing.
/// Invariant: work runs only under exactly the parameter version it names, and those are exchanged only while no
/// thread computes.
/// </summary>
public sealed partial class WorkerRole
{
    private readonly Fence _fence;
    private readonly int _leavesPerPass;
    private readonly bool[] _busy;
    private readonly ReductionTree _tree = new();
    private readonly List<OwedNode> _owed = [];
    private readonly List<BufferOperation> _operations = [];
    private readonly Stack<BufferId> _freeBuffers = new();
    private int _buffers;
    private ParameterVersion? _version;
    private ParameterVersion? _arrived;
    private bool _preparing;
    private StepNumber _step;
    private ParameterVersion _stepVersion;
    private int _epoch;
    private int _firstSample;
    private int _samples;
    private int _microBatch;

    /// <summary>
    /// Creates the role of a worker with <paramref name="threads"/> compute threads, each of which can compute
    /// <paramref name="leavesPerPass"/> micro-batches of a node at once.
    /// </summary>
    public WorkerRole(Fence fence, int threads, int leavesPerPass)
    {
        _fence = fence;
        _leavesPerPass = leavesPerPass;
        _busy = new bool[threads];
    }

    /// <summary>Gradient buffers named so far: ids run from 0 to here.</summary>
    public int Buffers => _buffers;

    /// <summary>Takes in what happened and appends what is to be done, in order.</summary>
    public void Handle(in WorkerInput input, List<WorkerEffect> effects)
    {
        switch (input.Kind)
        {
            case WorkerInputKind.Train: Owe((Train)input.Message!, effects); break;
            case WorkerInputKind.Credit: TakeCredit((Credit)input.Message!); break;
            case WorkerInputKind.Evaluate: Queue((Evaluate)input.Message!); break;
            case WorkerInputKind.ParametersArrived: _arrived = input.Version; break;
            case WorkerInputKind.Prepared:
                _preparing = false;
                _version = input.Version;
                break;
            case WorkerInputKind.Computed: TakeGradient(input, effects); break;
            case WorkerInputKind.Evaluated: TakeEvaluated(input, effects); break;
            default: throw new InvalidOperationException($"Unknown input {input.Kind}.");
        }

        PushComplete(effects);
        UseArrivedParameters(effects);
        Dispatch(effects);
    }

    private bool IsIdle => Array.IndexOf(_busy, true) < 0;

    private void UseArrivedParameters(List<WorkerEffect> effects)
    {
        if (_arrived is not { } version || _preparing || !IsIdle) return;
        _arrived = null;
        _version = null;
        _preparing = true;
        effects.Add(new WorkerEffect(WorkerEffectKind.UseParameters, Version: version));
    }

    private void Dispatch(List<WorkerEffect> effects)
    {
        // Parameters that wait were published because nobody needs work under those in use any more.
        if (_preparing || _arrived is not null || _version is not { } version) return;
        for (int thread = 0; thread < _busy.Length; thread++)
        {
            if (_busy[thread]) continue;
            if (!TryNextGradient(thread, version, effects) && !TryNextEvaluation(thread, version, effects)) return;
            _busy[thread] = true;
        }
    }

    /// <summary>
    /// The next node to compute: as many micro-batches as a pass takes, but so few that every thread has its share of
    /// those that are left.
    /// </summary>
    private bool TryNextGradient(int thread, ParameterVersion version, List<WorkerEffect> effects)
    {
        if (_stepVersion != version) return false;
        int left = 0;
        foreach (OwedNode owed in _owed) left += owed.Node.End - owed.NextLeaf;
        for (int i = 0; i < _owed.Count; i++)
        {
            OwedNode owed = _owed[i];
            if (owed.NextLeaf == owed.Node.End) continue;
            TreeNode node = owed.Node.LargestAt(
                owed.NextLeaf, Math.Clamp(left / _busy.Length, 1, _leavesPerPass));
            _owed[i] = owed with { NextLeaf = node.End };
            int offset = node.Start * _microBatch;
            effects.Add(new WorkerEffect(
                WorkerEffectKind.Compute, thread, version, _step, _epoch, _firstSample + offset,
                Math.Min(node.Count * _microBatch, _samples - offset), Buffer: Rent(), Node: node));
            return true;
        }

        return false;
    }

    /// <summary>Replaces what is owed for a step: nodes that stay keep their sums, others are given up.</summary>
    private void Owe(Train train, List<WorkerEffect> effects)
    {
        if (train.Fence != _fence || train.Step < _step) return;
        if (train.Step != _step)
        {
            _tree.Reset(train.MicroBatches, _operations);
            foreach (OwedNode owed in _owed)
            {
                if (owed.IsComplete && !owed.IsPushed) Release(owed.Buffer);
            }

            _owed.Clear();
            _step = train.Step;
            _stepVersion = train.Version;
            _epoch = train.Epoch;
            _firstSample = train.FirstSample;
            _samples = train.Samples;
            _microBatch = train.MicroBatch;
        }

        for (int i = _owed.Count - 1; i >= 0; i--)
        {
            if (_owed[i].IsPushed || train.Nodes.Contains(_owed[i].Node)) continue;
            if (_owed[i].IsComplete) Release(_owed[i].Buffer);
            else _tree.RemoveRoot(_owed[i].Node, _operations);
            _owed.RemoveAt(i);
        }

        Carry(effects);
        for (int i = 0; i < train.Nodes.Count; i++)
        {
            TreeNode node = train.Nodes[i];
            int index = IndexOf(node);
            if (index < 0)
            {
                _tree.AddRoot(node);
                _owed.Add(new OwedNode(node, node.Start, i < train.Credits, false, false, default, default));
            }
            else
            {
                _owed[index] = _owed[index] with { IsGranted = _owed[index].IsGranted || i < train.Credits };
            }
        }
    }

    private void TakeCredit(Credit credit)
    {
        if (credit.Fence != _fence || credit.Step != _step) return;
        int left = credit.Count;
        for (int i = 0; i < _owed.Count && left > 0; i++)
        {
            if (_owed[i].IsGranted) continue;
            _owed[i] = _owed[i] with { IsGranted = true };
            left--;
        }
    }

    private void TakeGradient(in WorkerInput input, List<WorkerEffect> effects)
    {
        _busy[input.Thread] = false;
        // What was given up and dealt again can be computed twice: the second one finds no root or its double.
        if (input.Step != _step || !_tree.Covers(input.Node))
        {
            Release(input.Buffer);
            return;
        }

        OfferOutcome outcome = _tree.Offer(
            input.Node, input.Buffer, input.Statistics, _operations, out TreeNode root);
        if (outcome == OfferOutcome.Duplicate) Release(input.Buffer);
        Carry(effects);
        if (outcome != OfferOutcome.Completed) return;
        HeldNode done = _tree.Take(root);
        int index = IndexOf(root);
        _owed[index] = _owed[index] with { IsComplete = true, Buffer = done.Buffer, Statistics = done.Statistics };
    }

    /// <summary>
    /// Pushes complete nodes in the order they were dealt, up to the first that is incomplete or not granted.
    /// </summary>
    private void PushComplete(List<WorkerEffect> effects)
    {
        for (int i = 0; i < _owed.Count; i++)
        {
            OwedNode owed = _owed[i];
            if (owed.IsPushed) continue;
            if (!owed.IsComplete || !owed.IsGranted) return;
            effects.Add(new WorkerEffect(
                WorkerEffectKind.Push, Step: _step, Buffer: owed.Buffer, Node: owed.Node, Statistics: owed.Statistics));
            Release(owed.Buffer);
            _owed[i] = owed with { IsPushed = true };
        }
    }

    private int IndexOf(TreeNode node)
    {
        for (int i = 0; i < _owed.Count; i++)
        {
            if (_owed[i].Node == node) return i;
        }

        return -1;
    }

    // A buffer is free as soon as the effect that reads it last is given out: effects are carried out in order.
    private BufferId Rent() => _freeBuffers.TryPop(out BufferId buffer) ? buffer : new BufferId(_buffers++);

    private void Release(BufferId buffer) => _freeBuffers.Push(buffer);

    private void Carry(List<WorkerEffect> effects)
    {
        foreach (BufferOperation operation in _operations)
        {
            if (operation.Add)
            {
                effects.Add(new WorkerEffect(
                    WorkerEffectKind.Add, Buffer: operation.Destination, Source: operation.Source));
                Release(operation.Source);
            }
            else
            {
                Release(operation.Destination);
            }
        }

        _operations.Clear();
    }

    /// <summary>A node that was dealt to this worker in the current step.</summary>
    private readonly record struct OwedNode(
        TreeNode Node, int NextLeaf, bool IsGranted, bool IsComplete, bool IsPushed,
        BufferId Buffer, NodeStatistics Statistics);
}
