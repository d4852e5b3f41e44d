using Distributed.Execution;
using Distributed.Learning;
using Distributed.Protocol;
using Distributed.Roles.Coordinator;
using Distributed.Runtime;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Distributed.Coordinator.Tests;

/// <summary>A run's actors are watched: one that does not come back from what it was posted is named.</summary>
public sealed class ActorHealthTests : ICheckpointSaver, IDisposable
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    private readonly ManualTime _time = new();
    private readonly ManualResetEventSlim _entered = new();
    private readonly ManualResetEventSlim _goOn = new();
    private readonly HealthStatus _health;
    private readonly LocalCluster _local;
    private readonly ParameterStore _store;
    private readonly Cluster _cluster;

    public ActorHealthTests()
    {
        _health = new HealthStatus("", _time);
        RunSpecification asked = RunSamples.Specification() with
        {
            Model = ModelCatalogue.Find("lenet5"),
            Data = new DataSpecification { Name = "digits", Validation = 0.1 },
        };
        ClusterPlan plan = new() { Specification = asked, Workers = 0, Threads = 1, Health = _health };
        _local = LocalCluster.Start(plan, NullLogger.Instance);
        RunData data = RunData.Load(asked, null);
        RunSpecification specification = data.Complete(asked);
        _store = new ParameterStore(specification, 1);
        _cluster = new Cluster(
            specification, data, _store, _local, new RunFigures(() => 0), _ => Block(),
            RunPlan.Settings(specification, 1, 0), new Fence(1), new TrainingProgress())
        { Saver = this };
    }

    public void Dispose()
    {
        _goOn.Set();
        _cluster.Dispose();
        _local.Dispose();
        _store.Dispose();
    }

    void ICheckpointSaver.Save(SaveCheckpoint save) => Block();

    [Fact]
    public Task TheCoordinatorIsWatched() => RequireStall(
        "coordinator", () => _cluster.Coordinator.Post(new WorkerJoined(new WorkerId(1), "worker 1", 1)));

    [Fact]
    public Task TheParameterServerIsWatched() => RequireStall(
        "parameter-server",
        () => _cluster.ParameterServer.PostSave(new SaveCheckpoint(1, new TrainingProgress(), false)));

    private async Task RequireStall(string actor, Action post)
    {
        Task posting = Task.Run(post);
        Assert.True(_entered.Wait(Deadline));
        Assert.Empty(_health.StalledActors);
        _time.Advance(2 * HealthStatus.StallLimit);
        Assert.Equal([actor], _health.StalledActors);
        _goOn.Set();
        await posting.WaitAsync(Deadline);
        Assert.Empty(_health.StalledActors);
    }

    private void Block()
    {
        _entered.Set();
        _goOn.Wait(Deadline);
    }
}
