using Distributed.Protocol;

namespace Distributed.Simulation;

/// <summary>
/// A gradient buffer that knows what it holds: which samples of which step, and whether it may be read.
/// </summary>
internal sealed class GradientBuffer
{
    public enum Use
    {
        Free,
        Filling,
        Filled,
    }

    public Use State { get; set; }

    public float[] Values { get; } = new float[ToyProblem.InitialParameters().Length];

    public StepNumber Step { get; set; }

    public int FirstSample { get; set; }

    public int EndSample { get; set; }

    /// <summary>this += right; right must hold the samples that follow.</summary>
    public void Add(GradientBuffer right)
    {
        Check.That(this != right, $"a buffer is added to itself");
        Check.That(
            State == Use.Filled && right.State == Use.Filled,
            $"a sum of buffers that are {State} and {right.State}");
        Check.That(
            Step == right.Step && EndSample == right.FirstSample,
            $"samples to {EndSample} of step {Step} are followed by {right.FirstSample} of step {right.Step}");
        for (int i = 0; i < Values.Length; i++) Values[i] += right.Values[i];
        EndSample = right.EndSample;
        right.State = Use.Free;
    }

    public void CopyFrom(GradientBuffer other)
    {
        Check.That(other.State == Use.Filled, $"a buffer that is {other.State} is pushed");
        other.Values.CopyTo(Values, 0);
        (Step, FirstSample, EndSample, State) = (other.Step, other.FirstSample, other.EndSample, Use.Filled);
    }
}

/// <summary>Buffers by number, made as they are named.</summary>
internal sealed class GradientMemory
{
    private readonly List<GradientBuffer> _buffers = [];
    private readonly Stack<BufferId> _free = new();

    public int Count => _buffers.Count;

    /// <summary>Buffers rented and not released.</summary>
    public int InUse => _buffers.Count - _free.Count;

    public GradientBuffer this[BufferId id]
    {
        get
        {
            while (_buffers.Count <= id.Value) _buffers.Add(new GradientBuffer());
            return _buffers[id.Value];
        }
    }

    public BufferId Rent() => _free.TryPop(out BufferId id) ? id : new BufferId(_buffers.Count);

    public void Release(BufferId id)
    {
        Check.That(!_free.Contains(id), $"buffer {id.Value} is released twice");
        this[id].State = GradientBuffer.Use.Free;
        _free.Push(id);
    }
}
