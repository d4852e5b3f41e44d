using System.Text.Json;
using Distributed.Numerics;

namespace Distributed.Learning;

/// <summary>output = input weight^T + bias, as PyTorch's: weight[output][input].</summary>
public sealed record Linear(int Outputs) : Layer
{
    /// <summary>Whether a value an output is added.</summary>
    public bool Bias { get; init; } = true;

    /// <summary>How the weight starts.</summary>
    public Initialization Initialization { get; init; }

    /// <inheritdoc/>
    public override string Type => "linear";

    internal static Linear Read(JsonFields fields) =>
        new(fields.Integer("outputs"))
        {
            Bias = fields.Flag("bias", true),
            Initialization = Initialization.Read(fields),
        };

    internal override void WriteFields(Utf8JsonWriter writer)
    {
        writer.WriteNumber("outputs", Outputs);
        if (!Bias)
            writer.WriteBoolean("bias", false);
        Initialization.Write(writer);
    }

    internal override TensorShape Declare(ModelDeclaration model, string name, TensorShape input)
    {
        if (!input.IsFlat)
            throw model.Mistake(name, this, $"its input {input} is an image; put a flatten layer in front");
        model.RequireSize(name, this, "outputs", Outputs);
        var weights = model.AddWeight(name, this, Outputs, input, Initialization);
        if (Bias)
            model.AddBias(name, this, Outputs);
        return model.AddLayer(name, this, TensorShape.Features(Outputs), multiplyAdds: weights);
    }

    internal override PlanTensor Compile(PlanCompiler plan, string name, PlanTensor input)
    {
        var step = new LinearStep(plan, name, new LinearShape(input.Shape.Length, Outputs), input);
        plan.Add(step);
        return step.Output;
    }

    /// <summary>Weights are read where they lie: nothing is prepared.</summary>
    private sealed class LinearStep : PlanStep
    {
        private readonly LinearShape _shape;
        private readonly PlanRead _input;
        private readonly ParameterEntry _weight;
        private readonly ParameterEntry? _bias;
        private readonly bool _trainsWeight;
        private readonly OutputEpilogue _epilogue;
        private readonly PlanBuffer _forwardScratch;
        private readonly PlanBuffer _backwardScratch;

        public LinearStep(PlanCompiler plan, string name, LinearShape shape, PlanTensor input)
        {
            _shape = shape;
            _weight = plan.Parameters.Require($"{name}.weight");
            _bias = plan.Parameters.Find($"{name}.bias");
            _trainsWeight = plan.Trains(_weight);
            _input = plan.Read(input);
            _epilogue = new OutputEpilogue(plan, _bias);
            _forwardScratch = plan.Buffer(fixedLength: LinearForward.ScratchLength(shape, plan.PassSamples));
            _backwardScratch = plan.Buffer(fixedLength: Math.Max(
                LinearBackwardWeights.ScratchLength(shape, plan.PassSamples),
                input.Gradient is null ? 0 : LinearBackwardData.ScratchLength(shape, plan.PassSamples)));
            Output = plan.Tensor(
                TensorShape.Features(shape.Outputs), this,
                needsGradient: input.Gradient is not null || _trainsWeight || plan.Trains(_bias));
        }

        public PlanTensor Output { get; }

        public override bool NeedsOutput => _epilogue.HasRelu;

        public override bool TakesLeaves => true;

        public override bool FuseRelu() => _epilogue.HasRelu = true;

        public override void ForwardUses(BufferUses uses) =>
            uses.Touch(_input.Values, Output.Values, _forwardScratch);

        public override void Forward(in StepContext context) =>
            LinearForward.Run(
                _shape, context.Samples, context.Span(_input.Values), context.Parameter(_weight),
                _bias is null ? default : context.Parameter(_bias), context.Span(Output.Values), _epilogue.HasRelu,
                context.Span(_forwardScratch));

        public override void BackwardUses(BufferUses uses)
        {
            if (Output.Gradient is null)
                return;
            uses.Touch(_input.Values, Output.Gradient, _backwardScratch);
            _epilogue.BackwardUses(uses, Output);
            if (_input.Gradient is not null)
                _input.GradientUses(uses);
        }

        public override void Backward(in StepContext context)
        {
            if (Output.Gradient is null)
                return;
            _epilogue.Backward(context, Output);
            var outputGradient = context.Span(Output.Gradient);
            if (_trainsWeight)
            {
                LinearBackwardWeights.Run(
                    _shape, context.Samples, context.LeafSamples, context.Span(_input.Values), outputGradient,
                    context.Gradient(_weight), context.Span(_backwardScratch));
            }
            if (_input.Gradient is null)
                return;
            LinearBackwardData.Run(
                _shape, context.Samples, outputGradient, context.Parameter(_weight), _input.OpenGradient(context),
                context.Span(_backwardScratch));
            _input.CloseGradient(context);
        }

        public override void Forward(in DeviceContext context) =>
            context.Queue.ConvolutionForward(
                AsConvolution, 1, context.Samples, context.At(_input.Values), null, context.Parameter(_weight),
                _bias is null ? null : context.Parameter(_bias), context.At(Output.Values), _epilogue.HasRelu);

        public override void Backward(in DeviceContext context)
        {
            if (Output.Gradient is null)
                return;
            _epilogue.Backward(context, Output);
            var outputGradient = context.At(Output.Gradient);
            if (_trainsWeight)
            {
                context.Queue.ConvolutionBackwardWeights(
                    AsConvolution, 1, context.Samples, context.At(_input.Values), null, outputGradient,
                    context.Gradient(_weight));
            }
            if (_input.Gradient is not { } gradient)
                return;
            context.Queue.ConvolutionBackwardData(
                AsConvolution, 1, context.Samples, outputGradient, context.Parameter(_weight), context.At(gradient),
                _input.Adds);
        }

        /// <summary>The same as a convolution of an image of one pixel.</summary>
        private ConvolutionShape AsConvolution => new(1, 1, _shape.Inputs, _shape.Outputs, 1, 1);
    }
}
