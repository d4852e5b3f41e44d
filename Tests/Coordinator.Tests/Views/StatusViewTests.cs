using Xunit;

namespace Distributed.Coordinator.Tests;

/// <summary>What another terminal is told of a run.</summary>
public sealed class StatusViewTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly ManualTime _time = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task ALiveRunSaysWhereItStands()
    {
        using StatusView view = Begin();
        view.Show(ViewSamples.Worker(1, "worker 1"));
        for (int step = 1; step <= 3; step++) view.Show(ViewSamples.Step(1, step));
        view.ShowShares([new WorkerShare("worker 1", 12)]);
        _time.Advance(TimeSpan.FromSeconds(1));

        string[] lines = (await Status()).TrimEnd().Split('\n');
        Assert.Equal($"{_folder.Path}: process {Environment.ProcessId} trains", lines[0]);
        Assert.StartsWith("epoch 1/3  step 3/12", lines[1]);
        Assert.StartsWith("loss 0.2500  accuracy 50.00%", lines[2]);
        Assert.Equal("worker 1  12 micro-batches  active", lines[^1]);
    }

    [Fact]
    public async Task ARunThatIsSilentIsSaidToBe()
    {
        using StatusView view = Begin();
        RunStatus status = RunStatus.Read(_folder.Path)!;
        (status with { Time = DateTimeOffset.UtcNow.AddSeconds(-60) }).Write(_folder.Path);
        Assert.Contains("was last heard 60", await Status());
    }

    [Fact]
    public async Task OneThatHasEndedLeavesItsResultAlone()
    {
        using (Begin())
            Assert.NotNull(RunStatus.Read(_folder.Path));
        Assert.Null(RunStatus.Read(_folder.Path));
        Assert.Contains("no process trains it; the same train command goes on", await Status());
    }

    /// <summary>A status with nothing where something must be is none.</summary>
    [Theory]
    [InlineData("\"workers\":", "\"workers\":null,\"more\":")]
    [InlineData("\"workers\": [", "\"workers\": [null,")]
    [InlineData("\"reason\": \"", "\"reason\": null, \"more\": \"")]
    [InlineData("\"secondsLeft\":", "\"secondsLeft\":1e300,\"more\":")]
    public async Task AStatusThatMakesNoSenseIsNone(string sound, string broken)
    {
        using StatusView view = Begin();
        view.Show(ViewSamples.Worker(1, "worker 1"));
        _time.Advance(TimeSpan.FromSeconds(1));
        string path = _folder["status.json"], text = await File.ReadAllTextAsync(path);
        Assert.Contains(sound, text);
        await File.WriteAllTextAsync(path, text.Replace(sound, broken, StringComparison.Ordinal));
        Assert.Contains("no process trains it", await Status());
    }

    private StatusView Begin()
    {
        File.WriteAllText(_folder["run.json"], "{}");
        StatusView view = new(new PlainView(TextWriter.Null, TextWriter.Null, _time), _time);
        view.Begin(ViewSamples.Header with { Folder = _folder.Path });
        _time.Advance(TimeSpan.Zero);
        return view;
    }

    private async Task<string> Status()
    {
        CommandRun run = await CommandRun.Of("status", _folder.Path);
        Assert.Equal((ExitCode.Done, ""), (run.ExitCode, run.Error));
        return run.Output;
    }
}
