using System.Runtime.InteropServices;
using Distributed.Numerics;

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

    /// <summary>Puts the forward pass on a device's queue, with the buffers where they would be in the arena.</summary>
    public abstract void Forward(in DeviceContext context);

    /// <summary>Puts the backward pass on a device's queue.</summary>
    public abstract void Backward(in DeviceContext context);

    /// <summary>
    /// Takes a ReLU that stands right behind in, so that the step's output is the ReLU's; false when it can't. Asked
    /// only while nobody reads the output.
    /// </summary>
    public virtual bool FuseRelu() => false;

    /// <summary>
    /// Takes the sum with a shortcut in, so that the step's output is the sum; false when it can't. The shortcut comes
    /// from a step in front, and nobody reads the output.
    /// </summary>
    public virtual bool FuseSum(PlanCompiler plan, PlanTensor shortcut) => false;

    /// <summary>Whether the step's backward pass reads its output.</summary>
    public virtual bool NeedsOutput => true;

    /// <summary>
    /// Called once, when all layers are compiled: where slices lie (<see cref="PlanBuffer.Pitch"/>) and who adds to a
    /// gradient is known from here on.
    /// </summary>
    public virtual void Complete(PlanCompiler plan)
    {
    }

    /// <summary>
    /// Whether a call may compute several micro-batches: what the step gives for a sample depends on that sample alone,
    /// and its parameters' gradients are summed leaf by leaf (<see cref="StepContext.Leaves"/>).
    /// </summary>
    public virtual bool TakesLeaves => false;
}

/// <summary>
/// A piece of the arena: <c>fixedLength + perSample * samples</c> floats. One that holds a tensor may be a slice of a
/// wider one: some channels of every pixel.
/// </summary>
internal sealed class PlanBuffer(int index, int perSample, int fixedLength, int channels)
{
    private PlanBuffer? _home;
    private int _start;
    private bool _isSlice;

    /// <summary>Its place in the list of buffers and offsets.</summary>
    public int Index => _home?.Index ?? index;

    /// <summary>Floats from one pixel to the next; known once the plan is compiled.</summary>
    public int Pitch => _home?.Pitch ?? channels;

    /// <summary>Where its first channel stands among those of the memory's pixel.</summary>
    public int Start => _home is null ? 0 : _home.Start + _start;

    /// <summary>Steps that have read it so far.</summary>
    public int Readers { get; set; }

    /// <summary>Layers with branches that have not compiled all readers of it yet.</summary>
    public int Holders { get; set; }

    /// <summary>Whether whoever asks is the first to read it, and nobody else will.</summary>
    public bool IsUnread => Readers == 0 && Holders == 0;

    /// <summary>Whether a step that writes or reads it takes pixels without a gap only.</summary>
    public bool IsDense { get; set; }

    /// <summary>Whether it may become a slice: nobody minds the gap, and nobody will read it any more.</summary>
    public bool CanBeSlice => !IsDense && _home is null && Holders == 0;

    /// <summary>Of a gradient, the reading that stands last: the first one in the backward pass.</summary>
    public PlanRead? LastRead { get; set; }

    /// <summary>Whether a wider gradient that this one is a slice of is written by that one's own readers.</summary>
    public bool IsWrittenByWider => _isSlice && (_home!.LastRead is not null || _home.IsWrittenByWider);

    /// <summary>Makes this buffer the same memory as another one of its length.</summary>
    public void Share(PlanBuffer other)
    {
        if (other.IsSameMemory(this))
            return;
        if (_home is not null)
            _home.Share(other);
        else
            _home = other;
    }

    /// <summary>Makes this buffer channels of a wider one, from <paramref name="start"/> on.</summary>
    public void PlaceIn(PlanBuffer wider, int start) => (_home, _start, _isSlice) = (wider, start, true);

    /// <summary>Whether both are the same channels of the same memory.</summary>
    public bool IsSameMemory(PlanBuffer other) => Index == other.Index && Start == other.Start;

    public long LongLength(int samples) => fixedLength + (long)perSample * samples;

    /// <summary>Floats from the first to the last, with what lies between the pixels of a slice.</summary>
    public int Length(int samples)
    {
        var length = fixedLength + perSample * samples;
        return _home is null ? length : (length / channels - 1) * Pitch + channels;
    }
}

/// <summary>
/// A value between two steps. <see cref="Gradient"/> is null where nothing in front has parameters, so that no step
/// computes it.
/// </summary>
internal sealed record PlanTensor(TensorShape Shape, PlanBuffer Values, PlanBuffer? Gradient, PlanStep? Producer)
{
    /// <summary>Pixels of a sample; 1 of a row of features that never was an image.</summary>
    public int Pixels => Shape.Height * Shape.Width;

    /// <summary>Values of a pixel.</summary>
    public int Channels => Shape.Channels;

    /// <summary>The tensor's pixels, taken at one pitch and put at another.</summary>
    public PixelShape PixelShape(int inPitch, int outPitch) =>
        new(Pixels, Channels) { InPitch = inPitch, OutPitch = outPitch };

    /// <inheritdoc cref="PixelShape(int, int)"/>
    public PixelShape PixelShape(PlanBuffer from, PlanBuffer to) => PixelShape(from.Pitch, to.Pitch);
}

/// <summary>
/// A tensor as one step reads it. Its gradient is the sum of what its readers give: in the backward pass the reader
/// that stands last in the plan comes first and overwrites, those before it add (<see cref="Adds"/>). A kernel that
/// can add to what is in memory writes to <see cref="Gradient"/>; any other one writes to
/// <see cref="OpenGradient(in StepContext)"/> and ends with <see cref="CloseGradient"/>.
/// </summary>
internal sealed class PlanRead(PlanTensor tensor, PlanBuffer? scratch)
{
    public PlanTensor Tensor { get; } = tensor;

    public PlanBuffer Values => Tensor.Values;

    public PlanBuffer? Gradient => Tensor.Gradient;

    /// <summary>Whether the gradient holds something already; known once the plan is compiled.</summary>
    public bool Adds => Gradient is { } gradient && (gradient.LastRead != this || gradient.IsWrittenByWider);

    /// <summary>Touches what <see cref="OpenGradient(in StepContext)"/> and <see cref="CloseGradient"/> use.</summary>
    public void GradientUses(BufferUses uses)
    {
        uses.Touch(Gradient!);
        if (Adds)
            uses.Touch(scratch!);
    }

    /// <summary>
    /// Passes a step's whole gradient on as this reader's share of the tensor's, if the tensor has one and it isn't the
    /// same memory.
    /// </summary>
    public void Give(in StepContext context, PlanBuffer gradient)
    {
        if (Gradient is not { } target || target.IsSameMemory(gradient))
            return;
        if (Adds)
            Elementwise.Add(context.Span(target), context.Span(gradient), context.Span(target));
        else
            context.Span(gradient).CopyTo(context.Span(target));
    }

    /// <inheritdoc cref="Give(in StepContext, PlanBuffer)"/>
    public void Give(in DeviceContext context, PlanBuffer gradient)
    {
        if (Gradient is not { } target || target.IsSameMemory(gradient))
            return;
        context.Queue.Copy(
            Tensor.PixelShape(gradient, target), context.Samples, context.At(gradient), context.At(target), Adds);
    }

    /// <summary>Where to write this reader's share of the gradient, all of it.</summary>
    public Span<float> OpenGradient(in StepContext context) => context.Span(Adds ? scratch! : Gradient!);

    /// <summary>As above, for a step that heeds pitches.</summary>
    public Span<float> OpenGradient(in StepContext context, out int pitch)
    {
        pitch = Adds ? Tensor.Channels : Gradient!.Pitch;
        return OpenGradient(context);
    }

    /// <summary>Adds what was written, where others have written before.</summary>
    public void CloseGradient(in StepContext context)
    {
        if (!Adds)
            return;
        Numerics.Pixels.Add(
            Tensor.PixelShape(Tensor.Channels, Gradient!.Pitch), context.Samples, context.Span(scratch!),
            context.Span(Gradient!));
    }
}

/// <summary>A range of the prepared block: packed weights.</summary>
internal readonly record struct PreparedRegion(int Offset, int Length);

/// <summary>One run of a plan's steps: the arena, where each buffer lies in it, and the caller's blocks.</summary>
internal readonly ref struct StepContext(
    Span<float> arena, ReadOnlySpan<int> offsets, int samples, int leafSamples, ReadOnlySpan<float> parameters,
    ReadOnlySpan<float> prepared, Span<float> gradient, bool training,
    SampleKeys keys)
{
    private readonly Span<float> _arena = arena;
    private readonly ReadOnlySpan<int> _offsets = offsets;
    private readonly ReadOnlySpan<float> _parameters = parameters;
    private readonly ReadOnlySpan<float> _prepared = prepared;
    private readonly Span<float> _gradient = gradient;

    public int Samples { get; } = samples;

    /// <summary>Samples of a micro-batch, which is a leaf of every sum over samples; the last may have fewer.</summary>
    public int LeafSamples { get; } = leafSamples;

    /// <summary>Micro-batches of this call.</summary>
    public int Leaves => (Samples + LeafSamples - 1) / LeafSamples;

    /// <summary>The first element of a micro-batch and the end of them, of so many elements a sample.</summary>
    public (int First, int End) Leaf(int leaf, int perSample) =>
        (leaf * LeafSamples * perSample, Math.Min((leaf + 1) * LeafSamples, Samples) * perSample);

    /// <summary>Whether a backward pass follows; layers that differ in evaluation ask.</summary>
    public bool Training { get; } = training;

    /// <summary>What random numbers are a function of; empty in evaluation.</summary>
    public SampleKeys Keys { get; } = keys;

    /// <summary>A buffer's floats; a slice's pixels are <see cref="PlanBuffer.Pitch"/> apart.</summary>
    public Span<float> Span(PlanBuffer buffer) =>
        _arena.Slice(_offsets[buffer.Index] + buffer.Start, buffer.Length(Samples));

    public Span<byte> Bytes(PlanBuffer buffer) => MemoryMarshal.AsBytes(Span(buffer));

    public ReadOnlySpan<float> Parameter(ParameterEntry entry) => _parameters.Slice(entry.Offset, entry.Length);

    public Span<float> Gradient(ParameterEntry entry) => _gradient.Slice(entry.Offset, entry.Length);

    public Span<double> Statistics(BatchStatistics statistics) => statistics.In(_gradient);

    public ReadOnlySpan<float> Prepared(PreparedRegion region) => _prepared.Slice(region.Offset, region.Length);
}
