using Distributed.Roles.Worker;
using Distributed.Runtime;

namespace Distributed.Worker;

/// <summary>
/// What is told of this worker to those who watch it: its health and its metrics, each only where somebody asked for
/// it. A training step's calls allocate nothing.
/// </summary>
internal sealed class WorkerVitals(HealthStatus? health, WorkerTelemetry? telemetry)
{
    private readonly string? _atFirst = health?.WaitsFor;

    /// <summary>What a worker waits for that has joined nobody.</summary>
    public static string Coordinator(WorkerOptions options) => $"the coordinator at {string.Join(',', options.Join)}";

    /// <summary>An engine whose actors are watched.</summary>
    public IEngine Watch(IEngine engine) => health?.Watch(engine) ?? engine;

    /// <summary>A coordinator let it in; the data are loaded next.</summary>
    public void Joined() => WaitFor("its data");

    /// <summary>The data are loaded; the coordinator opens the data link once it has its own.</summary>
    public void Loaded() => WaitFor("its data link");

    /// <summary>Both links stand.</summary>
    public void TakesPart()
    {
        WaitFor(null);
        telemetry?.BeginSession();
    }

    /// <summary>The session has ended.</summary>
    public void Left()
    {
        WaitFor(_atFirst);
        telemetry?.EndSession();
    }

    /// <summary>Counts what was computed.</summary>
    public void Count(in WorkerInput input) => telemetry?.Count(input);

    /// <summary>Counts a gradient that was pushed.</summary>
    public void CountPush(long bytes) => telemetry?.CountPush(bytes);

    private void WaitFor(string? what)
    {
        if (health is not null) health.WaitsFor = what;
    }
}
