using System.Numerics;
using Distributed.Numerics;

namespace Distributed.Learning;

/// <summary>
/// A model compiled for one micro-batch size: its steps in order, where every buffer lies in one arena, and which
/// weights to pack. A plan holds no tensor and never changes, so all threads share it; each owns a
/// <see cref="Workspace"/>. In evaluation what a step computes for a sample doesn't depend on where it stands in the
/// micro-batch, nor on the micro-batch's size; nor in training, but for batch norms.
/// </summary>
public sealed class ExecutionPlan
{
    private const long LargeModel = 20_000_000;
    private const long MostActivations = 64 * 1024 * 1024;
    private readonly PreparePart[] _parts;

    private ExecutionPlan(
        Model model, int microBatch, int leavesPerPass, ConvolutionMode convolution, FrozenParameters frozen,
        PlanTarget target, ModelDeclaration declaration)
    {
        Model = model;
        Target = target;
        MicroBatch = microBatch;
        LeavesPerPass = leavesPerPass;
        Layers = declaration.Rows;
        Parameters = new ParameterLayout(declaration);
        var compiler = new PlanCompiler(Parameters, microBatch, leavesPerPass, convolution, frozen, target);
        var shape = new TensorShape(model.Channels, model.Height, model.Width, IsFlat: false);
        Input = compiler.Tensor(shape, producer: null, needsGradient: false);
        Output = model.Layers.Compile(compiler, "", Input);
        compiler.Complete();
        Steps = [.. compiler.Steps];
        Buffers = compiler.Buffers;
        PreparedLength = compiler.PreparedLength;
        _parts = [.. compiler.Parts];
        Frozen = [.. Parameters.Trainable.Where(entry => !compiler.Trains(entry))];
        TrainingPlacement = Place(training: true);
        EvaluationPlacement = Place(training: false);
    }

    /// <summary>What was compiled.</summary>
    public Model Model { get; }

    /// <summary>Samples of a micro-batch; fewer are always possible.</summary>
    public int MicroBatch { get; }

    /// <summary>
    /// Most micro-batches that one training call computes: their gradient, the sum along the canonical tree, is then
    /// written once. A power of two, and a function of the model and the micro-batch alone; above 1 where every layer
    /// treats each sample alone and the parameters outweigh what a call keeps for its samples.
    /// </summary>
    public int LeavesPerPass { get; }

    /// <summary>Most samples of a training call.</summary>
    public int PassSamples => MicroBatch * LeavesPerPass;

    /// <summary>The layout of parameters, gradients and optimizer states.</summary>
    public ParameterLayout Parameters { get; }

    /// <summary>A row a layer, for a summary.</summary>
    public IReadOnlyList<LayerSummary> Layers { get; }

    /// <summary>What it was compiled for.</summary>
    public PlanTarget Target { get; }

    /// <summary>Multiplications with addition of one sample's forward pass.</summary>
    public long MultiplyAdds => Layers.Sum(layer => layer.MultiplyAdds);

    /// <summary>Bytes of one training workspace's arena.</summary>
    public long ArenaBytes => (long)TrainingPlacement.Length * sizeof(float);

    /// <summary>Bytes of one evaluating workspace's arena.</summary>
    public long EvaluationArenaBytes => (long)EvaluationPlacement.Length * sizeof(float);

    /// <summary>Floats of what is prepared once per version of the parameters and shared by all threads.</summary>
    public int PreparedLength { get; }

    /// <summary>Independent parts of that preparation, which several threads can share.</summary>
    public int PrepareParts => _parts.Length;

    /// <summary>Parameters that training leaves as they are.</summary>
    internal ParameterEntry[] Frozen { get; }

    internal PlanStep[] Steps { get; }

    internal IReadOnlyList<PlanBuffer> Buffers { get; }

    internal PlanTensor Input { get; }

    internal PlanTensor Output { get; }

    internal BufferPlacement TrainingPlacement { get; }

    internal BufferPlacement EvaluationPlacement { get; }

    /// <summary>
    /// The default micro-batch, a function of the model and the mini-batch alone: a quarter of the batch, rounded down
    /// to a power of two, within 8 to 32 and at most half the batch; halved, down to 8, while the outputs of all layers
    /// exceed 64 Mi values (256 MiB), which would not stay in any cache. For models over 20 million parameters half the
    /// batch, at most 64: their gradient costs more to add than to compute. At least 1.
    /// </summary>
    public static int DefaultMicroBatch(Model model, int batch)
    {
        var declaration = ModelDeclaration.Of(model);
        return DefaultMicroBatch(
            new ParameterLayout(declaration).Count, declaration.Rows.Sum(layer => (long)layer.Output.Length), batch);
    }

    /// <inheritdoc cref="DefaultMicroBatch(Model, int)"/>
    internal static int DefaultMicroBatch(long parameters, long activations, int batch)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(batch, 1);
        var half = Math.Max(batch / 2, 1);
        if (parameters > LargeModel)
            return Math.Min(half, 64);
        var samples = Math.Clamp((int)BitOperations.RoundUpToPowerOf2((uint)(batch / 4) + 1) / 2, 8, 32);
        while (samples > 8 && samples * activations > MostActivations)
            samples /= 2;
        return Math.Min(samples, half);
    }

    /// <summary>Compiles a model for micro-batches of at most <paramref name="microBatch"/> samples.</summary>
    /// <param name="model">The model.</param>
    /// <param name="microBatch">Most samples a call computes.</param>
    /// <param name="convolution">Which algorithms may compute its convolutions.</param>
    /// <param name="frozen">Parameters whose gradients are left 0; null: none.</param>
    /// <param name="target">What is to run it; a device takes one micro-batch a call.</param>
    /// <exception cref="ModelException">The model has a mistake, or doesn't fit in one arena.</exception>
    public static ExecutionPlan Compile(
        Model model, int microBatch, ConvolutionMode convolution = ConvolutionMode.Winograd,
        FrozenParameters? frozen = null, PlanTarget target = PlanTarget.Host)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(microBatch, 1);
        var declaration = ModelDeclaration.Of(model);
        try
        {
            ExecutionPlan Plan(int leaves) =>
                new(model, microBatch, leaves, convolution, frozen ?? FrozenParameters.None, target, declaration);
            var plan = Plan(1);
            return target == PlanTarget.Host ? plan.WithMostLeaves(Plan) ?? plan : plan;
        }
        catch (OverflowException)
        {
            throw new ModelException(
                $"model \"{model.Name}\": a micro-batch of {microBatch} samples needs more than 8 GiB in one block; " +
                "make the micro-batch or the model smaller.");
        }
    }

    /// <summary>
    /// Runs one part of the preparation: packs a weight into the form that a kernel reads. All parts from 0 to
    /// <see cref="PrepareParts"/> - 1 must have run, in any order and on any thread, before a workspace computes.
    /// </summary>
    public void Prepare(int part, ReadOnlySpan<float> parameters, Span<float> prepared)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(parameters.Length, Parameters.Length);
        ArgumentOutOfRangeException.ThrowIfNotEqual(prepared.Length, PreparedLength);
        var (weight, region, pack) = _parts[part];
        pack(parameters.Slice(weight.Offset, weight.Length), prepared.Slice(region.Offset, region.Length));
    }

    /// <summary>A thread's arena: for training, or a smaller one for evaluation alone.</summary>
    public Workspace CreateWorkspace(bool training) =>
        new HostWorkspace(this, training ? TrainingPlacement : EvaluationPlacement, training);

    private ExecutionPlan? WithMostLeaves(Func<int, ExecutionPlan> compile)
    {
        if (!Array.TrueForAll(Steps, step => step.TakesLeaves))
            return null;
        for (var leaves = LeafTree.MaxLeaves; leaves > 1; leaves /= 2)
        {
            // Only a model of more parameters than a micro-batch has activations can pass; most plans end here.
            if ((long)TrainingPlacement.Length > Parameters.Length)
                return null;
            var plan = compile(leaves);
            if (plan.TrainingPlacement.Length <= Parameters.Length)
                return plan;
        }
        return null;
    }

    private BufferPlacement Place(bool training)
    {
        var loss = Steps.Length;
        var end = training ? 2 * loss : loss;
        var uses = new BufferUses(Buffers.Count);
        for (var i = 0; i < loss; i++)
        {
            uses.Time = i;
            Steps[i].ForwardUses(uses);
            uses.Time = end - i;
            if (training)
                Steps[i].BackwardUses(uses);
        }
        uses.Time = loss;
        if (training)
            uses.Touch(Output.Gradient!);
        // The caller's input and the logits stay readable until the next call.
        uses.Touch(Input.Values, Output.Values);
        uses.Time = 0;
        uses.Touch(Input.Values);
        uses.Time = end;
        uses.Touch(Input.Values, Output.Values);
        var lives = new BufferLife[Buffers.Count];
        for (var i = 0; i < lives.Length; i++)
        {
            // A buffer that is the memory of another one needs no place.
            if (Buffers[i].Index == i)
                lives[i] = uses.Life(Buffers[i], training ? PassSamples : MicroBatch);
        }
        return BufferPlacement.Place(lives);
    }
}
