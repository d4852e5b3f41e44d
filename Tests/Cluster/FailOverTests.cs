#if AKKA_ENGINE
using Distributed.Cluster.Native;
using Xunit;

namespace Distributed.Cluster;

/// <summary>Three coordinators on one folder of runs, two of them standing by: one of them may be lost at any time.
/// </summary>
[Collection(ReferenceCollection.Name)]
public sealed class FailOverTests : IDisposable
{
    private const string Token = "a token of this test alone";

    private readonly ReferenceRun _reference;
    private readonly RunDirectory _directory = new("akka");
    private readonly string[] _seeds;
    private readonly ProgramRun[] _coordinators;
    private readonly ProgramRun[] _workers;

    public FailOverTests(ReferenceRun reference)
    {
        _reference = reference;
        _seeds = [.. Enumerable.Range(0, 3).Select(_ => $"127.0.0.1:{FreePort.Find()}")];
        _coordinators = [.. Enumerable.Range(0, 3).Select(Coordinate)];
        _coordinators[0].WaitForOutput("Coordinating at");
        _workers = [.. Enumerable.Range(0, 2).Select(_ =>
            _directory.Join(string.Join(',', _seeds), ["--rejoin", "5m"], ("DISTRIBUTED_TOKEN", Token)))];
    }

    public void Dispose() => _directory.Dispose();

    [LinuxFact]
    public void AStandByTakesOverFromACoordinatorThatIsKilled()
    {
        _directory.WaitForStep(25, _coordinators[0]);
        _coordinators[0].Signal(SystemCalls.Kill);
        _coordinators[0].WaitForExit();
        FinishWith(_coordinators[1..]);
        Assert.InRange(_directory.Outcome.ResumedFromStep, 1, RunDirectory.Steps - 1);
    }

    [LinuxFact]
    public void AStandByTakesOverFromACoordinatorThatIsAskedToStop()
    {
        _directory.WaitForStep(25, _coordinators[0]);
        _coordinators[0].Signal(SystemCalls.Terminate);
        Assert.True(_coordinators[0].WaitForExit() == 3, _coordinators[0].Transcript);
        FinishWith(_coordinators[1..]);
        Assert.InRange(_directory.Outcome.ResumedFromStep, 25, RunDirectory.Steps - 1);
    }

    [LinuxFact]
    public void ACoordinatorThatWakesAfterAnotherTookOverStopsItself()
    {
        _directory.WaitForStep(25, _coordinators[0]);
        _coordinators[0].Signal(SystemCalls.Stop);
        FinishWith(_coordinators[1..]);
        string finished = File.ReadAllText(Path.Combine(_directory.RunPath, "result.json"));
        _coordinators[0].Signal(SystemCalls.Continue);
        Assert.True(_coordinators[0].WaitForExit() == 3, _coordinators[0].Transcript);
        Assert.Contains("stands by again", _coordinators[0].Output);

        // What it may still have written is not chosen by anyone.
        Assert.Equal(finished, File.ReadAllText(Path.Combine(_directory.RunPath, "result.json")));
        _reference.RequireSame(_directory);
        ProgramRun verified = _directory.Start(Programs.Coordinator, ["verify", _directory.RunPath]);
        Assert.True(verified.WaitForExit() == 0, verified.Transcript);
    }

    private ProgramRun Coordinate(int index)
    {
        string[] standBy = index == 0 ? [] : ["--stand-by"];
        return _directory.Train(
            [
                "--workers", "0", "--min-workers", "2", "--checkpoint-every", "10", "--listen", _seeds[index],
                "--seed-nodes", string.Join(',', _seeds), .. standBy,
            ],
            ("DISTRIBUTED_TOKEN", Token));
    }

    private void FinishWith(ProgramRun[] standBys)
    {
        foreach (ProgramRun standBy in standBys)
        {
            Assert.True(
                standBy.WaitForExit() == 0, string.Concat(standBys.Select(each => each.Transcript)));
        }

        _reference.RequireSame(_directory);
        foreach (ProgramRun worker in _workers) Assert.True(worker.WaitForExit() == 0, worker.Transcript);
    }
}
#endif
