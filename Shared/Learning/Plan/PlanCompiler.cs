using Distributed.Numerics;

namespace Distributed.Learning;

/// <summary>Packs one weight into a kernel's form.</summary>
internal delegate void PackWeights(ReadOnlySpan<float> weights, Span<float> packed);

/// <summary>One independent piece of preparing a parameter version.</summary>
internal sealed record PreparePart(ParameterEntry Weight, PreparedRegion Region, PackWeights Pack);

/// <summary>What a plan is compiled for.</summary>
public enum PlanTarget
{
    /// <summary>The processor that the program runs on.</summary>
    Host,

    /// <summary>A device: the same steps and buffers, without what only the host's kernels need.</summary>
    Device,
}

/// <summary>Collects what the layers compile to: steps, buffers, and the weights to pack.</summary>
internal sealed class PlanCompiler(
    ParameterLayout parameters, int microBatch, int leavesPerPass, ConvolutionMode convolution,
    FrozenParameters frozen, PlanTarget target)
{
    private readonly List<PlanStep> _steps = [];
    private readonly List<PlanBuffer> _buffers = [];
    private readonly List<PreparePart> _parts = [];
    private int _dropouts;

    public ParameterLayout Parameters { get; } = parameters;

    /// <summary>Samples of a micro-batch.</summary>
    public int MicroBatch { get; } = microBatch;

    /// <summary>Most micro-batches of a call.</summary>
    public int LeavesPerPass { get; } = leavesPerPass;

    /// <summary>Most samples of a call.</summary>
    public int PassSamples { get; } = checked(microBatch * leavesPerPass);

    /// <summary>What the plan is for.</summary>
    public PlanTarget Target { get; } = target;

    /// <summary>Which algorithms may compute convolutions.</summary>
    public ConvolutionMode Convolution { get; } = convolution;

    public IReadOnlyList<PlanStep> Steps => _steps;

    public IReadOnlyList<PlanBuffer> Buffers => _buffers;

    public IReadOnlyList<PreparePart> Parts => _parts;

    /// <summary>Floats of the prepared block.</summary>
    public int PreparedLength { get; private set; }

    /// <summary>The number of a dropout layer among those of the model: its random numbers differ.</summary>
    public int NextDropout() => _dropouts++;

    /// <summary>Appends a step; steps run in this order forward, and in reverse backward.</summary>
    public void Add(PlanStep step) => _steps.Add(step);

    /// <summary>Whether training changes a parameter.</summary>
    public bool Trains(ParameterEntry? parameter) => parameter is not null && !frozen.Contains(parameter.Name);

    /// <summary>
    /// Counts a step that reads a tensor; steps ask in the order in which they run forward. One that asks for
    /// <paramref name="slices"/> heeds the pitches of values and gradient; for others pixels lie without a gap.
    /// </summary>
    public PlanRead Read(PlanTensor tensor, bool slices = false)
    {
        tensor.Values.Readers++;
        tensor.Values.IsDense |= !slices;
        if (tensor.Gradient is not { } gradient)
            return new PlanRead(tensor, scratch: null);
        return gradient.LastRead = new PlanRead(tensor, Buffer(perSample: tensor.Shape.Length));
    }

    /// <summary>
    /// Says that a tensor has readers to come, before a layer with branches compiles them: until <see cref="Release"/>
    /// nothing is fused into the tensor's producer.
    /// </summary>
    public void Hold(PlanTensor tensor) => tensor.Values.Holders++;

    /// <summary>Ends <see cref="Hold"/>.</summary>
    public void Release(PlanTensor tensor) => tensor.Values.Holders--;

    /// <summary>
    /// A new value, with a gradient of the same size where one is needed. A producer of <paramref name="slices"/> heeds
    /// the pitches of both, so that the value can become a slice of a wider one.
    /// </summary>
    public PlanTensor Tensor(TensorShape shape, PlanStep? producer, bool needsGradient, bool slices = false)
    {
        var values = Buffer(perSample: shape.Length, channels: shape.Channels);
        values.IsDense = !slices;
        return new(
            shape, values, needsGradient ? Buffer(perSample: shape.Length, channels: shape.Channels) : null, producer);
    }

    /// <summary>
    /// Makes a tensor channels of a wider one, from <paramref name="start"/> on: its producer then writes there.
    /// </summary>
    public void PlaceIn(PlanTensor wider, int start, PlanTensor tensor)
    {
        if (tensor.Values.CanBeSlice && tensor.Gradient is null or { CanBeSlice: true })
        {
            tensor.Values.PlaceIn(wider.Values, start);
            if (wider.Gradient is { } gradient)
                tensor.Gradient?.PlaceIn(gradient, start);
            return;
        }
        Add(new CopyStep(this, wider, start, tensor));
    }

    /// <summary>Ends the compilation: steps reserve what depends on where tensors lie.</summary>
    public void Complete()
    {
        foreach (var step in _steps)
            step.Complete(this);
    }

    /// <summary>A new buffer of the arena, in floats.</summary>
    public PlanBuffer Buffer(int perSample = 0, int fixedLength = 0, int channels = 0)
    {
        var buffer = new PlanBuffer(_buffers.Count, perSample, fixedLength, channels);
        _buffers.Add(buffer);
        return buffer;
    }

    /// <summary>Reserves a region of the prepared block for a packed weight.</summary>
    public PreparedRegion Prepare(ParameterEntry weight, int length, PackWeights pack)
    {
        var region = new PreparedRegion(PreparedLength, length);
        PreparedLength = checked(PreparedLength + BufferPlacement.Align(length));
        _parts.Add(new PreparePart(weight, region, pack));
        return region;
    }
}
