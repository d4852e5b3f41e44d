using Distributed.Numerics;

namespace Distributed.Learning;

/// <summary>
/// A batch norm, with the sum of a residual layer and a ReLU behind it where there are any: output = relu?(norm(input)
/// + shortcut?). The mask of a ReLU without a shortcut is computed again from the input rather than kept. Where
/// norm and ReLU stand alone before a convolution that can apply them as it reads (<see cref="LeaveToReader"/>), there
/// is no output: only statistics and coefficients are computed here.
/// </summary>
internal sealed class BatchNormStep : PlanStep
{
    private BatchNormShape _shape;
    private readonly double _epsilon;
    private readonly ParameterEntry _weight;
    private readonly ParameterEntry _bias;
    private readonly BatchStatistics _statistics;
    private readonly PlanRead _input;
    private readonly PlanBuffer _coefficients;
    private readonly PlanBuffer _scratch;
    private readonly int _pixels;
    private PlanRead? _shortcut;
    private BatchStatistics? _known;
    private bool _relu;
    private bool _isLeftToReader;

    public BatchNormStep(PlanCompiler plan, string name, double epsilon, PlanTensor input)
    {
        var channels = input.Shape.Channels;
        _shape = new BatchNormShape(channels);
        _pixels = input.Shape.Height * input.Shape.Width;
        _epsilon = epsilon;
        _weight = plan.Parameters.Require($"{name}.weight");
        _bias = plan.Parameters.Require($"{name}.bias");
        _statistics = plan.Parameters.RequireStatistics(name);
        // The gradient takes the place of the input, where nobody else needs that any more.
        if (input.Values.IsUnread && input.Producer is { NeedsOutput: false })
            input.Gradient?.Share(input.Values);
        _input = plan.Read(input, slices: true);
        _coefficients = plan.Buffer(fixedLength: BatchNormForward.CoefficientsLength(channels));
        _scratch = plan.Buffer(fixedLength: BatchNormBackward.ScratchLength(channels));
        var needsGradient = input.Gradient is not null || plan.Trains(_weight) || plan.Trains(_bias);
        Output = plan.Tensor(input.Shape, this, needsGradient, slices: true);
    }

    public PlanTensor Output { get; }

    public override bool NeedsOutput => _relu && _shortcut is not null;

    /// <summary>What is normalised, for the reader that norm and ReLU are left to.</summary>
    public PlanBuffer Input => _input.Values;

    /// <summary>The coefficients of the norm that is left to the reader.</summary>
    public PlanBuffer Coefficients => _coefficients;

    public override bool FuseRelu() => _relu = true;

    /// <summary>
    /// Takes the sum in unless a ReLU stands between, or the shortcut is what this step normalises.
    /// </summary>
    public override bool FuseSum(PlanCompiler plan, PlanTensor shortcut)
    {
        if (_relu || _shortcut is not null || shortcut.Values == _input.Values)
            return false;
        if (Output.Gradient is null && shortcut.Gradient is not null)
            return false;
        _shortcut = plan.Read(shortcut);
        Output.Values.IsDense = true;
        // The sum's gradient is the shortcut's too, unless the shortcut has readers to come: they write it first.
        if (shortcut.Values.Holders == 0)
            shortcut.Gradient?.Share(Output.Gradient!);
        return true;
    }

    /// <summary>
    /// Leaves norm and ReLU to the output's only reader, which has <see cref="Input"/> and <see cref="Coefficients"/>
    /// for it; false where a sum stands between, or no ReLU.
    /// </summary>
    public bool LeaveToReader() => _isLeftToReader = _relu && _shortcut is null;

    public override void Complete(PlanCompiler plan)
    {
        _shape = _shape with { InPitch = _input.Values.Pitch, OutPitch = Output.Values.Pitch };
        // A dense block's norms read the same channels again, and some more: their statistics are known.
        for (var i = 0; i < plan.Steps.Count && plan.Steps[i] != this; i++)
        {
            if (plan.Steps[i] is BatchNormStep earlier && earlier._input.Values.IsSameMemory(_input.Values) &&
                earlier._shape.Channels <= _shape.Channels)
            {
                _known = earlier._statistics;
            }
        }
    }

    public override void ForwardUses(BufferUses uses)
    {
        uses.Touch(_input.Values, _coefficients);
        if (!_isLeftToReader)
            uses.Touch(Output.Values);
        if (_shortcut is not null)
            uses.Touch(_shortcut.Values);
    }

    public override void Forward(in StepContext context)
    {
        var pixels = context.Samples * _pixels;
        var input = context.Span(_input.Values);
        var coefficients = context.Span(_coefficients);
        var weight = context.Parameter(_weight);
        var bias = context.Parameter(_bias);
        if (context.Training)
        {
            var statistics = context.Statistics(_statistics);
            BatchNorm.Statistics(
                _shape, pixels, input, statistics, _known is null ? default : context.Statistics(_known));
            BatchNormForward.Prepare(statistics, _epsilon, weight, bias, coefficients);
        }
        else
        {
            BatchNormForward.Prepare(
                context.Parameter(_statistics.Mean), context.Parameter(_statistics.Variance), _epsilon, weight, bias,
                coefficients);
        }
        if (_isLeftToReader)
            return;
        BatchNormForward.Run(
            _shape, pixels, input, coefficients, _shortcut is null ? default : context.Span(_shortcut.Values), _relu,
            context.Span(Output.Values));
    }

    public override void BackwardUses(BufferUses uses)
    {
        if (Output.Gradient is null)
            return;
        uses.Touch(_input.Values, _coefficients, _scratch, Output.Gradient);
        if (NeedsOutput)
            uses.Touch(Output.Values);
        uses.Touch(_input.Gradient ?? _input.Values);
        if (_shortcut?.Gradient is { } shortcut)
            uses.Touch(shortcut);
    }

    public override void Backward(in StepContext context)
    {
        if (Output.Gradient is null)
            return;
        BatchNormBackward.Run(
            _shape, context.Samples * _pixels, context.Span(_input.Values), context.Span(_coefficients), _relu,
            NeedsOutput ? context.Span(Output.Values) : default, context.Span(Output.Gradient),
            context.Parameter(_weight), context.Gradient(_weight), context.Gradient(_bias),
            _input.Gradient is { } inputGradient ? context.Span(inputGradient) : default, _input.Adds,
            context.Span(_scratch));
        _shortcut?.Give(context, Output.Gradient);
    }

    public override void Forward(in DeviceContext context)
    {
        var pixels = context.Samples * _pixels;
        var input = context.At(_input.Values);
        var coefficients = context.At(_coefficients);
        var (weight, bias) = (context.Parameter(_weight), context.Parameter(_bias));
        if (context.Training)
        {
            context.Queue.BatchNormStatistics(
                _shape, pixels, _epsilon, input, weight, bias, context.Statistics(_statistics), coefficients);
        }
        else
        {
            context.Queue.BatchNormRunning(
                _shape, _epsilon, context.Parameter(_statistics.Mean), context.Parameter(_statistics.Variance), weight,
                bias, coefficients);
        }
        if (_isLeftToReader)
            return;
        context.Queue.BatchNormForward(
            _shape, pixels, input, coefficients, _shortcut is null ? null : context.At(_shortcut.Values), _relu,
            context.At(Output.Values));
    }

    public override void Backward(in DeviceContext context)
    {
        if (Output.Gradient is null)
            return;
        context.Queue.BatchNormBackward(
            _shape, context.Samples * _pixels, context.At(_input.Values), context.At(_coefficients), _relu,
            NeedsOutput ? context.At(Output.Values) : null, context.At(Output.Gradient), context.Parameter(_weight),
            context.Gradient(_weight), context.Gradient(_bias),
            _input.Gradient is { } inputGradient ? context.At(inputGradient) : null, _input.Adds);
        _shortcut?.Give(context, Output.Gradient);
    }
}
