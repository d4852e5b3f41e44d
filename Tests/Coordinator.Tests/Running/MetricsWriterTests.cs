using System.Text.Json;
using Distributed.Execution;
using Distributed.Roles;
using Distributed.Roles.Coordinator;
using Xunit;

namespace Distributed.Coordinator.Tests;

public sealed class MetricsWriterTests : IDisposable
{
    private const int StepsPerEpoch = 3;

    private static readonly RunSpecification Specification = RunSamples.Specification();

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

    /// <summary>A disk that lost the end of the file, or has zeros there, costs the lines that were lost.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(300)]
    public void AFileTornAnywhereKeepsItsWholeLines(int zeros)
    {
        Write(new TrainingProgress(), epochs: 1);
        byte[] whole = System.IO.File.ReadAllBytes(File);
        string[] lines = Lines();
        for (int length = 0; length < whole.Length; length++)
        {
            System.IO.File.WriteAllBytes(File, [.. whole.AsSpan(0, length), .. new byte[zeros]]);
            System.IO.File.WriteAllText(AtomicFile.Temporary(File), "half of an earlier try");

            // With its line feed lost, a line is whole all the same; zeros after it are not.
            int left = whole.AsSpan(0, length).Count((byte)'\n')
                + (zeros == 0 && whole[length] == '\n' ? 1 : 0);
            Write(RunSamples.Progress(1, 0, bestEpoch: 0), epochs: 2);
            Assert.Equal([.. lines[..left], "step 4 2", "step 5 2", "step 6 2", "epoch 6 2"], Lines());
        }

        Assert.Empty(_warnings);
    }

    [Fact]
    public void LongEpochsAreLoggedAHundredTimes()
    {
        RunSpecification longEpochs = Specification with
        {
            Data = Specification.Data with { TrainingSamples = 450 * Specification.Batch },
        };
        using (MetricsWriter metrics = new(File, new TrainingProgress(), longEpochs, _warnings.Add))
        {
            for (int step = 1; step <= 450; step++)
                metrics.Write(Step(new TrainingProgress { Step = step, StepInEpoch = step }), learningRate: 0.1);
        }

        Assert.Equal(112, Lines().Length);
        Assert.Equal("step 4 1", Lines()[0]);
    }

    [Theory]
    [InlineData(4, false)]
    [InlineData(10, true)]
    public void TheTestHasALineWithEveryClass(int classes, bool topFive)
    {
        RunSpecification specification = Specification with { Model = Specification.Model with { Classes = classes } };
        using (MetricsWriter metrics = new(File, new TrainingProgress(), specification, _warnings.Add))
        {
            metrics.Write(new RunResult
            {
                Status = "completed",
                Epochs = 3,
                EpochsAsked = 3,
                Steps = 9,
                TestLoss = 0.25,
                TestAccuracy = 0.5,
                TestTop5Accuracy = 0.75,
                SamplesApplied = 270,
                SamplesExpected = 270,
                Classes = [new ClassScore("cat", 2, null, 0.5), new ClassScore("dog", 0, 0.25, null)],
            });
        }

        string top = topFive ? "\"top5Accuracy\":0.75," : "";
        Assert.Equal(
            "{\"kind\":\"test\",\"step\":9,\"epoch\":3,\"loss\":0.25,\"accuracy\":0.5," + top
            + "\"classes\":[{\"name\":\"cat\",\"samples\":2,\"precision\":null,\"recall\":0.5},"
            + "{\"name\":\"dog\",\"samples\":0,\"precision\":0.25,\"recall\":null}]}",
            Assert.Single(System.IO.File.ReadAllLines(File)));

        // Resumed at the end, the test is made again; extended, it was another one.
        using (MetricsWriter metrics = new(File, RunSamples.Progress(3, 0, 1), specification, _warnings.Add))
            Assert.Empty(Lines());
    }

    [Fact]
    public void AFileThatCannotBeOpenedIsOneSentence()
    {
        Directory.CreateDirectory(File);
        UsageException error = Assert.Throws<UsageException>(
            () => new MetricsWriter(File, new TrainingProgress(), Specification, _warnings.Add));
        Assert.StartsWith(File, error.Message);
    }

    /// <summary>What a run writes that goes on from a point to the end of an epoch.</summary>
    private void Write(TrainingProgress from, int epochs)
    {
        using MetricsWriter metrics = new(File, from, Specification, _warnings.Add);
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
