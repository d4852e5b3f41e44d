using Distributed.Numerics;

namespace Distributed.Learning;

/// <summary>
/// Floats that an affine step's kernels need: packed weights (0: they read the weights themselves), and scratch while
/// they run.
/// </summary>
internal readonly record struct AffineLengths(
    int ForwardPacked, int ForwardScratch, int BackwardPacked, int BackwardScratch, int WeightScratch);

/// <summary>
/// A convolution's step: output = weights (x) input + bias, with a ReLU behind it where there is one. Backward, the
/// mask and the bias gradient (the <see cref="OutputEpilogue"/>) come first, then the weights' gradient, then the
/// input's, which the network's first layer leaves out.
/// </summary>
internal abstract class AffineStep : PlanStep
{
    private readonly PlanRead _input;
    private readonly BatchNormStep? _norm;
    private readonly ParameterEntry _weight;
    private readonly ParameterEntry? _bias;
    private readonly bool _trainsWeight;
    private OutputEpilogue? _epilogue;
    private bool _relu;
    private PreparedRegion _forwardPacked;
    private PreparedRegion _backwardPacked;
    private PlanBuffer? _forwardScratch;
    private PlanBuffer? _backwardScratch;
    private PlanBuffer? _weightScratch;

    protected AffineStep(
        PlanCompiler plan, string name, PlanTensor input, TensorShape output, bool slices, bool takesNorm)
    {
        if (takesNorm && input.Values.IsUnread && input.Producer is BatchNormStep norm && norm.LeaveToReader())
            _norm = norm;
        _weight = plan.Parameters.Require($"{name}.weight");
        _bias = plan.Parameters.Find($"{name}.bias");
        _trainsWeight = plan.Trains(_weight);
        _input = plan.Read(input, slices);
        _epilogue = new OutputEpilogue(plan, _bias);
        Output = plan.Tensor(
            output, this, needsGradient: input.Gradient is not null || _trainsWeight || plan.Trains(_bias), slices);
    }

    public PlanTensor Output { get; }

    public override bool NeedsOutput => _epilogue is { HasRelu: true };

    /// <summary>What is read: the input, or what a norm has that is applied meanwhile.</summary>
    protected PlanBuffer InputValues => _norm?.Input ?? _input.Values;

    protected PlanBuffer? InputGradient => _input.Gradient;

    public override bool FuseRelu()
    {
        if (_epilogue is null)
            return false;
        _relu = true;
        _epilogue.HasRelu = true;
        return true;
    }

    /// <summary>
    /// Hands mask and bias gradient to the pooling right behind, which takes them on its smaller output.
    /// </summary>
    public OutputEpilogue? TakeEpilogue()
    {
        var epilogue = _epilogue;
        _epilogue = null;
        return epilogue;
    }

    public override void ForwardUses(BufferUses uses)
    {
        uses.Touch(InputValues, Output.Values);
        uses.Touch(_norm?.Coefficients ?? InputValues, _forwardScratch!);
    }

    public override void Forward(in StepContext context) =>
        RunForward(
            context.Samples, context.Span(InputValues), Norm(context), Weights(context, _forwardPacked),
            _bias is null ? default : context.Parameter(_bias), context.Span(Output.Values), _relu,
            context.Span(_forwardScratch!));

    public override void BackwardUses(BufferUses uses)
    {
        if (Output.Gradient is null)
            return;
        uses.Touch(InputValues, _norm?.Coefficients ?? InputValues, Output.Gradient, _weightScratch!);
        _epilogue?.BackwardUses(uses, Output);
        if (_input.Gradient is null)
            return;
        uses.Touch(_input.Gradient, _backwardScratch!);
    }

    public override void Backward(in StepContext context)
    {
        if (Output.Gradient is null)
            return;
        _epilogue?.Backward(context, Output);
        var outputGradient = context.Span(Output.Gradient);
        if (_trainsWeight)
        {
            RunBackwardWeights(
                context.Samples, context.Span(InputValues), Norm(context), outputGradient,
                context.Gradient(_weight), context.Span(_weightScratch!));
        }
        if (_input.Gradient is null)
            return;
        RunBackwardData(
            context.Samples, outputGradient, Weights(context, _backwardPacked), context.Span(_input.Gradient),
            _input.Adds, context.Span(_backwardScratch!));
    }

    public override void Forward(in DeviceContext context) =>
        RunForward(
            context, context.At(InputValues), Norm(context), context.Parameter(_weight),
            _bias is null ? null : context.Parameter(_bias), context.At(Output.Values), _relu);

    public override void Backward(in DeviceContext context)
    {
        if (Output.Gradient is null)
            return;
        _epilogue?.Backward(context, Output);
        var outputGradient = context.At(Output.Gradient);
        if (_trainsWeight)
        {
            RunBackwardWeights(
                context, context.At(InputValues), Norm(context), outputGradient, context.Gradient(_weight));
        }
        if (_input.Gradient is null)
            return;
        RunBackwardData(
            context, outputGradient, context.Parameter(_weight), context.At(_input.Gradient), _input.Adds);
    }

    /// <summary>
    /// Reserves packed weights and scratch; called once, when the kernels' shapes are known. A device has its own.
    /// </summary>
    protected void Reserve(PlanCompiler plan, AffineLengths lengths)
    {
        if (plan.Target == PlanTarget.Device)
            lengths = default;
        _forwardScratch = plan.Buffer(fixedLength: lengths.ForwardScratch);
        _weightScratch = plan.Buffer(fixedLength: lengths.WeightScratch);
        if (lengths.ForwardPacked > 0)
            _forwardPacked = plan.Prepare(_weight, lengths.ForwardPacked, PackForward);
        if (_input.Gradient is null)
            return;
        _backwardScratch = plan.Buffer(fixedLength: lengths.BackwardScratch);
        if (lengths.BackwardPacked > 0)
            _backwardPacked = plan.Prepare(_weight, lengths.BackwardPacked, PackBackward);
    }

    protected abstract void PackForward(ReadOnlySpan<float> weights, Span<float> packed);

    protected abstract void PackBackward(ReadOnlySpan<float> weights, Span<float> packed);

    protected abstract void RunForward(
        int samples, ReadOnlySpan<float> input, ReadOnlySpan<float> norm, ReadOnlySpan<float> packed,
        ReadOnlySpan<float> bias, Span<float> output, bool relu, Span<float> scratch);

    /// <summary>Overwrites the input's gradient, or adds to it; the latter only where slices are heeded.</summary>
    protected abstract void RunBackwardData(
        int samples, ReadOnlySpan<float> outputGradient, ReadOnlySpan<float> packed, Span<float> inputGradient,
        bool accumulate, Span<float> scratch);

    protected abstract void RunBackwardWeights(
        int samples, ReadOnlySpan<float> input, ReadOnlySpan<float> norm, ReadOnlySpan<float> outputGradient,
        Span<float> weightGradient, Span<float> scratch);

    protected abstract void RunForward(
        in DeviceContext context, DeviceTensor input, DeviceTensor? norm, DeviceTensor weights, DeviceTensor? bias,
        DeviceTensor output, bool relu);

    protected abstract void RunBackwardData(
        in DeviceContext context, DeviceTensor outputGradient, DeviceTensor weights, DeviceTensor inputGradient,
        bool accumulate);

    protected abstract void RunBackwardWeights(
        in DeviceContext context, DeviceTensor input, DeviceTensor? norm, DeviceTensor outputGradient,
        DeviceTensor weightGradient);

    private DeviceTensor? Norm(in DeviceContext context) =>
        _norm is null ? null : context.At(_norm.Coefficients);

    private ReadOnlySpan<float> Weights(in StepContext context, PreparedRegion packed) =>
        packed.Length == 0 ? context.Parameter(_weight) : context.Prepared(packed);

    private ReadOnlySpan<float> Norm(in StepContext context) =>
        _norm is null ? default : context.Span(_norm.Coefficients);
}
