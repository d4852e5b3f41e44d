using System.Runtime.InteropServices;

namespace Distributed.Learning;

/// <summary>
/// One step of a plan: what a layer does forward and backward, on buffers of the arena. A step says which buffers it
/// touches, and they are placed so that no two that are alive at once overlap. Steps hold no state between calls.
/// </summary>
internal abstract class PlanStep
{
    public abstract void ForwardUses(BufferUses uses);

    public abstract void Forward(in StepContext context);

    public abstract void BackwardUses(BufferUses uses);

    public abstract void Backward(in StepContext context);
}

/// <summary>A piece of the arena: <c>fixedLength + perSample * samples</c> floats.</summary>
internal sealed class PlanBuffer(int index, int perSample, int fixedLength)
{
    /// <summary>Its place in the list of buffers and offsets.</summary>
    public int Index { get; } = index;

    /// <summary>
    /// Steps that have read it so far. A layer with branches must count each branch before it compiles them: a ReLU
    /// or pooling is fused into a producer only while nobody else reads that producer's output.
    /// </summary>
    public int Readers { get; set; }

    public long LongLength(int samples) => fixedLength + (long)perSample * samples;

    public int Length(int samples) => fixedLength + perSample * samples;
}

/// <summary>
/// A value between two steps. <see cref="Gradient"/> is null where nothing in front has parameters, so that no step
/// computes it.
/// </summary>
internal sealed record PlanTensor(TensorShape Shape, PlanBuffer Values, PlanBuffer? Gradient, PlanStep? Producer);

/// <summary>A range of the prepared block: packed weights.</summary>
internal readonly record struct PreparedRegion(int Offset, int Length);

/// <summary>One run of a plan's steps: the arena, where each buffer lies in it, and the caller's blocks.</summary>
internal readonly ref struct StepContext(
    Span<float> arena, ReadOnlySpan<int> offsets, int samples, ReadOnlySpan<float> parameters,
    ReadOnlySpan<float> prepared, Span<float> gradient)
{
    private readonly Span<float> _arena = arena;
    private readonly ReadOnlySpan<int> _offsets = offsets;
    private readonly ReadOnlySpan<float> _parameters = parameters;
    private readonly ReadOnlySpan<float> _prepared = prepared;
    private readonly Span<float> _gradient = gradient;

    public int Samples { get; } = samples;

    public Span<float> Span(PlanBuffer buffer) => _arena.Slice(_offsets[buffer.Index], buffer.Length(Samples));

    public Span<byte> Bytes(PlanBuffer buffer) => MemoryMarshal.AsBytes(Span(buffer));

    public ReadOnlySpan<float> Parameter(ParameterEntry entry) => _parameters.Slice(entry.Offset, entry.Length);

    public Span<float> Gradient(ParameterEntry entry) => _gradient.Slice(entry.Offset, entry.Length);

    public ReadOnlySpan<float> Prepared(PreparedRegion region) => _prepared.Slice(region.Offset, region.Length);
}
