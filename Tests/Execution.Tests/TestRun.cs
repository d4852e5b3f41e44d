using System.Runtime.InteropServices;
using Distributed.Learning;
using Distributed.Protocol;
using Distributed.Roles;
using Xunit;

namespace Distributed.Execution.Tests;

/// <summary>A small run: its specification, its data (loaded once), and a worker's execution of it.</summary>
internal static class TestRun
{
    public const int Batch = 22;
    public const int MicroBatch = 4;
    public const int MicroBatches = 6;

    private static readonly Lazy<RunData> Digits = new(() => RunData.Load(Specification("linear"), null));

    /// <summary>The 10,000 + 2,000 generated digits of seed 1, a tenth of them set apart.</summary>
    public static RunData Data => Digits.Value;

    /// <summary>Names of the models that tests compute with.</summary>
    public static TheoryData<string> Models => ["linear", "lenet5", "norm"];

    public static RunSpecification Specification(string model) => new()
    {
        Model = model switch
        {
            "linear" => new Model(model, 1, 28, 28, 10, new Sequential(new Flatten(), new Linear(10))),
            "norm" => new Model(model, 1, 28, 28, 10, new Sequential(
                new Conv2d(8, 3) { Stride = 3, Bias = false }, new BatchNorm2d(), new Relu(),
                new Residual(new Sequential(
                    new Conv2d(8, 3) { Padding = 1, Bias = false }, new BatchNorm2d())),
                new Relu(), new GlobalAvgPool(), new Flatten(), new Linear(10))),
            _ => ModelCatalogue.Find(model),
        },
        Data = new DataSpecification { Name = "digits", Validation = 0.1 },
        Epochs = 3,
        Batch = Batch,
        MicroBatch = MicroBatch,
        Optimizer = new Sgd(),
        LearningRate = 0.05,
        Schedule = new OneCycleSchedule(),
        LabelSmoothing = 0.1,
        Seed = 1,
    };

    /// <summary>An execution with the data, and with the seed's first parameters prepared and in use.</summary>
    public static WorkerExecution Open(string model, int threads) => Open(Specification(model), threads);

    /// <summary>The same for a specification of the digits.</summary>
    public static WorkerExecution Open(RunSpecification specification, int threads)
    {
        bool isPlain = specification.Augmentation.Items.Count == 0;
        WorkerExecution execution = new(specification, threads);
        execution.UseData(isPlain ? Data : RunData.Load(specification, null));
        NativeBlock parameters = new(execution.ParameterLength);
        ParameterLayout.Of(specification.Model).Initialize(specification.Seed, parameters.Span);
        execution.UseParameters(parameters);
        for (int part = 0; part < execution.PrepareParts; part++) execution.Prepare(part);
        return execution;
    }

    /// <summary>Makes sure that a buffer has a block of this process's own memory.</summary>
    public static void EnsureBuffer(this WorkerExecution execution, BufferId buffer) =>
        execution.EnsureBuffer(buffer, () => new NativeBlock(execution.GradientLength));

    /// <summary>Samples of a micro-batch: the last one of a mini-batch is short.</summary>
    public static int Count(int microBatch) => Math.Min(MicroBatch, Batch - microBatch * MicroBatch);

    /// <summary>A Train message for the whole of a mini-batch.</summary>
    public static Train WholeMiniBatch()
    {
        Train train = new() { Samples = Batch, MicroBatch = MicroBatch };
        train.Nodes.Add(TreeNode.Root(MicroBatches));
        return train;
    }

    public static void SameBits(ReadOnlySpan<float> expected, ReadOnlySpan<float> actual)
    {
        Assert.Equal(expected.Length, actual.Length);
        ReadOnlySpan<int> left = MemoryMarshal.Cast<float, int>(expected);
        ReadOnlySpan<int> right = MemoryMarshal.Cast<float, int>(actual);
        int common = left.CommonPrefixLength(right);
        Assert.True(common == left.Length, $"float {common} of {left.Length} differs");
    }
}
