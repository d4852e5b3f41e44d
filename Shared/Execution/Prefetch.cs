using System.Diagnostics;
using Distributed.Learning;
using Distributed.Numerics;
using Distributed.Protocol;

namespace Distributed.Execution;

/// <summary>A micro-batch that was loaded ahead of its computation.</summary>
/// <param name="Began">When loading it began: a time stamp of <see cref="Stopwatch"/>.</param>
/// <param name="First">Position of its first sample in the epoch's order.</param>
/// <param name="Count">Samples.</param>
public readonly record struct LoadedAhead(long Began, int First, int Count);

/// <summary>
/// Loads the micro-batches that a worker is about to compute into a few buffers, on threads of their own: those of the
/// step that it was dealt, then the same ones of the next step. What a micro-batch holds depends on the epoch and its
/// place alone, so a buffer is right whoever asks for it, and what was not loaded ahead is loaded when it is needed.
/// Allocates nothing after construction, unless the images are streamed.
/// </summary>
internal sealed class Prefetch : IDisposable
{
    private readonly object _gate = new();
    private readonly RunData _data;
    private readonly int[][] _orders;
    private readonly Slot[] _slots;
    private readonly List<MicroBatchKey> _wanted = new(64);
    private readonly List<int> _taken = new(64);
    private (int Epoch, int FirstSample) _step;
    private bool _isClosed;

    /// <summary>Allocates the buffers.</summary>
    /// <param name="data">What to load from.</param>
    /// <param name="orders">The samples of epoch e in their order, at e % 2.</param>
    /// <param name="slots">Micro-batches that are loaded ahead at most.</param>
    /// <param name="microBatch">Samples of each at most.</param>
    public Prefetch(RunData data, int[][] orders, int slots, int microBatch)
    {
        _data = data;
        _orders = orders;
        _slots = new Slot[slots];
        for (int i = 0; i < slots; i++) _slots[i] = new Slot(microBatch, data.Dataset.Train.SampleLength);
    }

    private enum SlotState
    {
        Empty,
        Loading,
        Ready,
        Taken,
    }

    /// <summary>Takes note of what a worker was dealt, whose epoch's order is known.</summary>
    public void Expect(Train train)
    {
        lock (_gate)
        {
            if (_step != (train.Epoch, train.FirstSample))
            {
                _step = (train.Epoch, train.FirstSample);
                _taken.Clear();
            }

            _wanted.Clear();
            Want(train, train.FirstSample);
            if (train.FirstSample + (2 * train.Samples) <= _data.Training.Length)
                Want(train, train.FirstSample + train.Samples);
            foreach (Slot slot in _slots)
            {
                if (slot.State is not (SlotState.Loading or SlotState.Ready) || _wanted.Remove(slot.Key)) continue;
                if (slot.State == SlotState.Ready) slot.State = SlotState.Empty;
            }

            Monitor.PulseAll(_gate);
        }
    }

    /// <summary>
    /// A loading thread's work: waits until something is wanted and a buffer is free, and loads it. An error is left to
    /// the thread that computes the micro-batch, which loads it again and meets the same one.
    /// </summary>
    /// <returns>Null once closed.</returns>
    public LoadedAhead? LoadNext()
    {
        Slot? slot;
        lock (_gate)
        {
            while (true)
            {
                if (_isClosed) return null;
                slot = _wanted.Count > 0 ? Free() : null;
                if (slot is not null) break;
                Monitor.Wait(_gate);
            }

            slot.Key = _wanted[0];
            slot.State = SlotState.Loading;
            _wanted.RemoveAt(0);
        }

        LoadedAhead loaded = new(Stopwatch.GetTimestamp(), slot.Key.First, slot.Key.Count);
        bool isLoaded = TryLoad(slot);
        lock (_gate)
        {
            slot.State = isLoaded ? SlotState.Ready : SlotState.Empty;
            Monitor.PulseAll(_gate);
        }

        return loaded;
    }

    /// <summary>
    /// Copies a micro-batch into a workspace behind <paramref name="at"/> samples that it holds; waits where it is
    /// being loaded.
    /// </summary>
    /// <returns>False where nobody loaded it: the caller does.</returns>
    public bool TryTake(int epoch, int first, int count, Workspace workspace, int at)
    {
        MicroBatchKey key = new(epoch, first, count);
        Slot? slot;
        lock (_gate)
        {
            _taken.Add(first);
            _wanted.Remove(key);
            while ((slot = Find(key)) is { State: SlotState.Loading }) Monitor.Wait(_gate);
            if (slot is null) return false;
            slot.State = SlotState.Taken;
        }

        slot.CopyTo(workspace, at);
        lock (_gate)
        {
            slot.State = SlotState.Empty;
            Monitor.PulseAll(_gate);
        }

        return true;
    }

    /// <summary>Ends <see cref="LoadNext"/> on every thread.</summary>
    public void Close()
    {
        lock (_gate)
        {
            _isClosed = true;
            Monitor.PulseAll(_gate);
        }
    }

    /// <summary>Frees the buffers. No thread may load or compute.</summary>
    public void Dispose()
    {
        foreach (Slot slot in _slots) slot.Inputs.Dispose();
    }

    private void Want(Train train, int firstSample)
    {
        bool isThisStep = firstSample == train.FirstSample;
        foreach (TreeNode node in train.Nodes)
        {
            for (int leaf = node.Start; leaf < node.End; leaf++)
            {
                int offset = leaf * train.MicroBatch, first = firstSample + offset;
                if (isThisStep && _taken.Contains(first)) continue;
                _wanted.Add(new MicroBatchKey(train.Epoch, first, Math.Min(train.MicroBatch, train.Samples - offset)));
            }
        }
    }

    private Slot? Free()
    {
        foreach (Slot slot in _slots)
        {
            if (slot.State == SlotState.Empty) return slot;
        }

        return null;
    }

    private Slot? Find(MicroBatchKey key)
    {
        foreach (Slot slot in _slots)
        {
            if (slot.State is SlotState.Loading or SlotState.Ready && slot.Key == key) return slot;
        }

        return null;
    }

    private bool TryLoad(Slot slot)
    {
        try
        {
            (int epoch, int first, int count) = slot.Key;
            _data.LoadTraining(
                epoch, _orders[epoch & 1].AsSpan(first, count), slot.Inputs.Span, slot.Labels, slot.SecondLabels,
                slot.LabelWeights);
            return true;
        }
        catch (Exception)
        {
            return false;
        }
    }

    private readonly record struct MicroBatchKey(int Epoch, int First, int Count);

    private sealed class Slot
    {
        private readonly int _sampleLength;

        public Slot(int samples, int sampleLength)
        {
            _sampleLength = sampleLength;
            Inputs = new NativeBuffer(checked(samples * sampleLength));
            Labels = new int[samples];
            SecondLabels = new int[samples];
            LabelWeights = new float[samples];
            Array.Fill(LabelWeights, 1);
        }

        public MicroBatchKey Key { get; set; }

        public SlotState State { get; set; }

        public NativeBuffer Inputs { get; }

        public int[] Labels { get; }

        public int[] SecondLabels { get; }

        public float[] LabelWeights { get; }

        public void CopyTo(Workspace workspace, int at)
        {
            int count = Key.Count;
            Inputs.Span[..(count * _sampleLength)].CopyTo(workspace.Input[(at * _sampleLength)..]);
            Labels.AsSpan(0, count).CopyTo(workspace.Labels[at..]);
            SecondLabels.AsSpan(0, count).CopyTo(workspace.SecondLabels[at..]);
            LabelWeights.AsSpan(0, count).CopyTo(workspace.LabelWeights[at..]);
        }
    }
}
