using Distributed.Numerics;

namespace Distributed.Learning.Tests;

/// <summary>A plan with the blocks around it: what a worker's thread owns.</summary>
internal sealed class PlanRun : IDisposable
{
    private readonly NativeBuffer _prepared;

    public PlanRun(Model model, int microBatch, bool training = true)
        : this(ExecutionPlan.Compile(model, microBatch), plan => plan.CreateWorkspace(training))
    {
    }

    public PlanRun(Model model, int microBatch, FrozenParameters frozen)
        : this(ExecutionPlan.Compile(model, microBatch, frozen: frozen), plan => plan.CreateWorkspace(training: true))
    {
    }

    public PlanRun(Model model, int microBatch, BufferPlacement placement)
        : this(ExecutionPlan.Compile(model, microBatch), plan => new HostWorkspace(plan, placement, training: true))
    {
    }

    private PlanRun(ExecutionPlan plan, Func<ExecutionPlan, Workspace> create)
    {
        Plan = plan;
        Workspace = create(plan);
        Parameters = new NativeBuffer(Plan.Parameters.Length);
        Gradient = new NativeBuffer(Plan.Parameters.GradientLength);
        _prepared = new NativeBuffer(Plan.PreparedLength);
        Plan.Parameters.Initialize(seed: 1, Parameters.Span);
        Prepare();
    }

    public ExecutionPlan Plan { get; }

    public Workspace Workspace { get; }

    public NativeBuffer Parameters { get; }

    public NativeBuffer Gradient { get; }

    /// <summary>Sample s of the micro-batch becomes the generated sample <c>first + s</c>.</summary>
    public void Load(int first, int samples)
    {
        var length = Plan.Model.Channels * Plan.Model.Height * Plan.Model.Width;
        for (var s = 0; s < samples; s++)
        {
            var random = new CounterRandom(seed: 7, RandomPurpose.Test, sample: first + s);
            var image = Workspace.Input.Slice(s * length, length);
            for (var i = 0; i < length; i++)
                image[i] = 2 * random.Uniform((uint)i) - 1;
            Workspace.Labels[s] = random.Integer((uint)length, Plan.Model.Classes);
        }
    }

    public void Prepare()
    {
        for (var part = 0; part < Plan.PrepareParts; part++)
            Plan.Prepare(part, Parameters.Span, _prepared.Span);
    }

    public MicroBatchResult Train(int samples, float labelSmoothing = 0, SampleKeys keys = default) =>
        Workspace.Train(Parameters.Span, _prepared.Span, samples, labelSmoothing, Gradient.Span, keys);

    public MicroBatchResult Evaluate(int samples, Span<int> predictions = default) =>
        Workspace.Evaluate(Parameters.Span, _prepared.Span, samples, predictions);

    public void WarmUp() => Workspace.WarmUp(Parameters.Span, _prepared.Span, Gradient.Span);

    /// <summary>The bits of the gradient, without the padding.</summary>
    public int[] GradientBits() => Bits(Gradient.Span);

    public int[] LogitBits() => Bits(Workspace.Logits);

    public void Dispose()
    {
        Workspace.Dispose();
        Parameters.Dispose();
        Gradient.Dispose();
        _prepared.Dispose();
    }

    private static int[] Bits(ReadOnlySpan<float> values) =>
        Array.ConvertAll(values.ToArray(), BitConverter.SingleToInt32Bits);
}
