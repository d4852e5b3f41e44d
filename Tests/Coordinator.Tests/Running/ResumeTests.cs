using System.Runtime.InteropServices;
using Distributed.Checkpoints;
using Distributed.Execution;
using Distributed.Learning;
using Distributed.Roles;
using Xunit;

namespace Distributed.Coordinator.Tests;

/// <summary>Every rule of update goes on from a checkpoint to the same bits: what it needs is in there.</summary>
public sealed class ResumeTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public static TheoryData<string, double> Rules()
    {
        TheoryData<string, double> rules = [];
        foreach (string name in Optimizer.Names)
        {
            rules.Add(name, 0);
            rules.Add(name, 0.9);
        }

        return rules;
    }

    public void Dispose() => _folder.Dispose();

    [Theory]
    [MemberData(nameof(Rules))]
    public void AResumedRunHasTheBitsOfOneThatNeverStopped(string optimizer, double ema)
    {
        RunSpecification specification = RunSamples.Specification() with
        {
            Model = new Model("tiny", 1, 8, 8, 4, new Sequential(
                new Conv2d(3, 3), new BatchNorm2d(), new Relu(), new MaxPool2d(2), new Flatten(), new Linear(4))),
            Optimizer = Optimizer.Find(optimizer),
            Ema = ema,
            ClipNorm = 0.5,
            Schedule = new PlateauSchedule { WarmUpEpochs = 1.5 },
        };
        using ParameterStore straight = new(specification, 1), before = new(specification, 1),
            after = new(specification, 1);
        CheckpointStore checkpoints = new(_folder["checkpoints"]);
        Steps(straight, 1, 3);
        straight.KeepBest();
        Steps(straight, 4, 6);

        Steps(before, 1, 3);
        before.KeepBest();
        RunSamples.Save(checkpoints, before, specification, RunSamples.Progress(1, 0, bestEpoch: 1), isBest: true);
        using ParameterStore between = new(specification, 1);
        Assert.NotNull(RunRestore.Load(checkpoints, specification, between, _ => { }));
        Steps(between, 4, 5);
        RunSamples.Save(checkpoints, between, specification, RunSamples.Progress(1, 2, bestEpoch: 1), isBest: false);
        Assert.NotNull(RunRestore.Load(checkpoints, specification, after, _ => { }));
        Steps(after, 6, 6);

        Assert.Equal(straight.Parameters, after.Parameters);
        Assert.Equal(straight.Best, after.Best);
        for (int state = 0; state < specification.StateNames.Count; state++)
            Assert.Equal(straight.State(state), after.State(state));
        Assert.Empty(new Verification(_folder["checkpoints"]).Broken);
        string best = CheckpointMapping.HashWeights(straight.Layout, straight.Best);
        using Checkpoint checkpoint = Checkpoint.Open(_folder.Path);
        Assert.Equal(best, CheckpointMapping.HashEvaluated(checkpoint));
    }

    private static void Steps(ParameterStore store, int first, int last)
    {
        for (int step = first; step <= last; step++)
        {
            BufferId buffer = store.RentGradient()!.Value;
            Span<float> gradient = store.Gradient(buffer);
            gradient.Clear();
            MemoryMarshal.Cast<float, double>(gradient[store.Layout.TrainableLength..]).Fill(step + 0.25);
            RunSamples.Fill(store.Layout.Trainable, gradient, MathF.Pow(-1.3f, step));
            store.Step(step, 32, reductions: step / 5, buffer);
        }
    }
}
