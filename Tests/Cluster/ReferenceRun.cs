using Distributed.Cluster.Native;
using Xunit;

namespace Distributed.Cluster;

/// <summary>
/// The standard run by one worker of one thread, undisturbed: what every other run of the same specification must
/// equal. And the folder of one that was killed, to be broken and resumed.
/// </summary>
public sealed class ReferenceRun : IDisposable
{
    /// <summary>A step before which the killed run was not killed; its checkpoints are ten steps apart.</summary>
    internal const int KilledAfterStep = 100;

    private readonly RunDirectory _directory = new();
    private readonly Lazy<RunDirectory> _killed;

    public ReferenceRun()
    {
        ProgramRun run = _directory.Train("--workers", "1");
        Assert.True(run.WaitForExit() == 0, run.Transcript);
        Outcome = _directory.Outcome;
        Metrics = _directory.Metrics();
        _killed = new Lazy<RunDirectory>(MakeKilled);
    }

    internal RunOutcome Outcome { get; }

    internal IReadOnlyList<string> Metrics { get; }

    /// <summary>A copy of the folder of a run that was killed.</summary>
    internal RunDirectory CopyOfKilled() => _killed.Value.Copy();

    /// <summary>Requires that a run, finished at last, is the same as the undisturbed one in every bit.</summary>
    internal void RequireSame(RunDirectory other)
    {
        RunOutcome outcome = other.Outcome;
        Assert.Equal("completed", outcome.Status);
        Assert.Equal(Outcome.Weights, outcome.Weights);
        Assert.Equal(Outcome.BestWeights, outcome.BestWeights);
        Assert.Equal(Outcome.TestAccuracy, outcome.TestAccuracy);
        Assert.Equal(RunDirectory.Steps, outcome.Steps);
        Assert.Equal(outcome.SamplesExpected, outcome.SamplesApplied);
        Assert.Equal(Metrics, other.Metrics());
    }

    public void Dispose()
    {
        _directory.Dispose();
        if (_killed.IsValueCreated) _killed.Value.Dispose();
    }

    private static RunDirectory MakeKilled()
    {
        RunDirectory directory = new();
        ProgramRun run = directory.Train("--checkpoint-every", "10");
        directory.WaitForStep(KilledAfterStep, run);
        IReadOnlyList<int> workers = run.Workers();
        run.Signal(SystemCalls.Kill);
        run.WaitForExit(workers);
        return directory;
    }
}

/// <summary>Tests that compare with the reference run share it.</summary>
[CollectionDefinition(Name)]
public sealed class ReferenceCollection : ICollectionFixture<ReferenceRun>
{
    public const string Name = "reference";
}
