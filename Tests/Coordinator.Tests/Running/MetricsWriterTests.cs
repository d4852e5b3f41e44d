using System.Text.Json;
using Distributed.Roles;
using Distributed.Roles.Coordinator;
using Xunit;

namespace Distributed.Coordinator.Tests;

public sealed class MetricsWriterTests : IDisposable
{
    private const int StepsPerEpoch = 3;

    private readonly TemporaryFolder _folder = new();
    private readonly List<string> _warnings = [];

    private string File => _folder["metrics.jsonl"];

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void EveryLineSaysItsStepAndEpoch()
    {
        Write(new TrainingProgress(), epochs: 2);
        Assert.Equal(
            ["step 1 1", "step 2 1", "step 3 1", "epoch 3 1", "step 4 2", "step 5 2", "step 6 2", "epoch 6 2"],
            Lines());
        using JsonDocument line = JsonDocument.Parse(System.IO.File.ReadLines(File).First());
        Assert.Equal(0.5, line.RootElement.GetProperty("loss").GetDouble());
        using JsonDocument epoch = JsonDocument.Parse(System.IO.File.ReadLines(File).ElementAt(3));
        Assert.Equal(JsonValueKind.Null, epoch.RootElement.GetProperty("validationLoss").ValueKind);
    }

    [Theory]
    [InlineData(0, 2)]
    [InlineData(0, 3)]
    [InlineData(1, 0)]
    [InlineData(2, 0)]
    public void AResumedRunHasTheLinesOfOneThatNeverStopped(int epoch, int stepInEpoch)
    {
        Write(new TrainingProgress(), epochs: 2);
        string[] whole = System.IO.File.ReadAllLines(File);
        System.IO.File.AppendAllText(File, "{\"kind\":\"step\",\"st");
        Write(RunSamples.Progress(epoch, stepInEpoch, bestEpoch: 0), epochs: 2);
        Assert.Equal(whole, System.IO.File.ReadAllLines(File));
    }

    [Fact]
    public void LongEpochsAreLoggedAHundredTimes()
    {
        using (MetricsWriter metrics = new(File, new TrainingProgress(), 450, _warnings.Add))
        {
            for (int step = 1; step <= 450; step++)
                metrics.Write(Step(new TrainingProgress { Step = step, StepInEpoch = step }), learningRate: 0.1);
        }

        Assert.Equal(112, Lines().Length);
        Assert.Equal("step 4 1", Lines()[0]);
    }

    [Fact]
    public void AFileThatCannotBeOpenedIsOneSentence()
    {
        Directory.CreateDirectory(File);
        UsageException error = Assert.Throws<UsageException>(
            () => new MetricsWriter(File, new TrainingProgress(), StepsPerEpoch, _warnings.Add));
        Assert.StartsWith(File, error.Message);
    }

    /// <summary>What a run writes that goes on from a point to the end of an epoch.</summary>
    private void Write(TrainingProgress from, int epochs)
    {
        using MetricsWriter metrics = new(File, from, StepsPerEpoch, _warnings.Add);
        TrainingProgress progress = from;
        while (progress.Epoch < epochs)
        {
            while (progress.StepInEpoch < StepsPerEpoch)
            {
                progress = progress with { Step = progress.Step + 1, StepInEpoch = progress.StepInEpoch + 1 };
                metrics.Write(Step(progress), learningRate: 0.1);
            }

            progress = progress with { Epoch = progress.Epoch + 1, StepInEpoch = 0 };
            EpochRecord record = new(progress.Epoch, progress.Step, 0.25, 0.5, double.NaN, double.NaN, 90);
            metrics.Write(new EpochEnded(record, true, progress));
        }
    }

    private static StepEnded Step(TrainingProgress progress) =>
        new(progress, new NodeStatistics(32, 16, 8, 100), 0.5, 0.4);

    private string[] Lines() => [.. System.IO.File.ReadLines(File).Select(line =>
    {
        using JsonDocument document = JsonDocument.Parse(line);
        JsonElement root = document.RootElement;
        return $"{root.GetProperty("kind").GetString()} {root.GetProperty("step")} {root.GetProperty("epoch")}";
    })];
}
