using Distributed.Protocol;

namespace Distributed.Roles.Worker;

// Evaluation parts: leaf by leaf on whichever thread is free; a part's results go out together.
public sealed partial class WorkerRole
{
    private readonly List<Part> _parts = [];
    private readonly Stack<int> _freeSlots = new();
    private int _slots;

    private void Queue(Evaluate evaluate)
    {
        if (evaluate.Fence != _fence || evaluate.MicroBatch <= 0 || evaluate.Count <= 0) return;
        int slot = _freeSlots.TryPop(out int free) ? free : _slots++;
        int leaves = (evaluate.Count + evaluate.MicroBatch - 1) / evaluate.MicroBatch;
        _parts.Add(new Part(evaluate, slot, leaves, 0, 0));
    }

    private bool TryNextEvaluation(int thread, ParameterVersion version, List<WorkerEffect> effects)
    {
        for (int i = 0; i < _parts.Count; i++)
        {
            Part part = _parts[i];
            if (part.Order.Version.Value < version.Value && part.Started == part.Finished)
            {
                // Parameters moved on: nobody waits for this part any more.
                _freeSlots.Push(part.Slot);
                _parts.RemoveAt(i--);
                continue;
            }

            if (part.Order.Version != version || part.Started == part.Leaves) continue;
            int offset = part.Started * part.Order.MicroBatch;
            effects.Add(new WorkerEffect(
                WorkerEffectKind.Evaluate, thread, version,
                First: part.Order.First + offset, Count: Math.Min(part.Order.MicroBatch, part.Order.Count - offset),
                MicroBatch: part.Started, Buffer: new BufferId(part.Slot),
                Evaluation: part.Order.Evaluation, Split: part.Order.Split, PartSamples: part.Order.Count));
            _parts[i] = part with { Started = part.Started + 1 };
            return true;
        }

        return false;
    }

    private void TakeEvaluated(in WorkerInput input, List<WorkerEffect> effects)
    {
        _busy[input.Thread] = false;
        for (int i = 0; i < _parts.Count; i++)
        {
            Part part = _parts[i];
            if (part.Slot != input.Buffer.Value) continue;
            part = part with { Finished = part.Finished + 1 };
            _parts[i] = part;
            if (part.Finished < part.Leaves) return;
            effects.Add(new WorkerEffect(
                WorkerEffectKind.SendResult, First: part.Order.First, Count: part.Order.Count, MicroBatch: part.Leaves,
                Buffer: input.Buffer, Evaluation: part.Order.Evaluation));
            _freeSlots.Push(part.Slot);
            _parts.RemoveAt(i);
            return;
        }
    }

    /// <summary>
    /// A part of an evaluation: the order, its slot for results, and how many leaves are under way or done.
    /// </summary>
    private readonly record struct Part(Evaluate Order, int Slot, int Leaves, int Started, int Finished);
}
