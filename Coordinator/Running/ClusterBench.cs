using System.Diagnostics;
using Distributed.Execution;
using Distributed.Protocol;
using Distributed.Roles.Coordinator;
using Microsoft.Extensions.Logging.Abstractions;

namespace Distributed.Coordinator;

/// <summary>Training speed of a real local cluster: the same processes, links and actors as a run's, on noise, without
/// checkpoints.</summary>
internal sealed class ClusterBench(double seconds) : ICheckpointSaver
{
    /// <summary>
    /// How long nothing is measured, and for how many steps: the runtime recompiles meanwhile, in every process.
    /// </summary>
    public const double WarmUpSeconds = 1.5;

    private const int WarmUpSteps = 10;
    private const int StepsPerChunk = 4;
    private const int LeastChunks = 4;

    private readonly List<double> _rates = [];
    private readonly TaskCompletionSource _measured = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Cluster? _cluster;
    private int _steps;
    private long _warmUpStart;
    private long _start;
    private long _chunkStart;

    public static async Task<IReadOnlyList<double>> MeasureAsync(
        RunSpecification asked, int workers, int threads, double seconds, CancellationToken cancellation,
        string? dataDirectory = null)
    {
        using LocalCluster local = LocalCluster.Start(
            new ClusterPlan
            {
                Specification = asked,
                Workers = workers,
                Threads = threads,
                DataDirectory = dataDirectory,
            },
            NullLogger.Instance);
        RunData data = RunData.Load(asked, dataDirectory);
        RunSpecification specification = data.Complete(asked);
        ParameterStore store = new(specification, RunPlan.MaximumGradients(specification));
        ClusterBench bench = new(seconds);
        using Cluster cluster = new(
            specification, data, store, local, new RunFigures(() => 0), bench.Show,
            RunPlan.Settings(specification, workers, 0), new Fence(1), new TrainingProgress())
        { Saver = bench };
        bench._cluster = cluster;
        try
        {
            local.Begin(cluster);
            Task ended = await Task.WhenAny(bench._measured.Task, cluster.Finished).WaitAsync(cancellation);
            if (ended != bench._measured.Task)
                throw new SpecificationException(
                    $"The cluster ended before it was measured: {(await cluster.Finished).Reason}");
        }
        finally
        {
            await local.StopAsync();
        }

        return bench._rates;
    }

    public void Save(SaveCheckpoint save) => _cluster!.Coordinator.Post(new CheckpointSaved(save.Id));

    private void Show(RunEvent happened)
    {
        if (happened is not StepEnded step || _measured.Task.IsCompleted) return;
        long now = Stopwatch.GetTimestamp();
        if (_warmUpStart == 0) _warmUpStart = now;
        if (_start == 0)
        {
            bool isWarm = Stopwatch.GetElapsedTime(_warmUpStart, now).TotalSeconds >= WarmUpSeconds;
            if (++_steps < WarmUpSteps || !isWarm) return;
            _start = _chunkStart = now;
            _steps = 0;
            return;
        }

        if (++_steps % StepsPerChunk == 0)
        {
            double elapsed = (double)(now - _chunkStart) / Stopwatch.Frequency;
            _rates.Add(StepsPerChunk * step.Statistics.Samples / elapsed);
            _chunkStart = now;
        }

        if (_rates.Count >= LeastChunks && Stopwatch.GetElapsedTime(_start).TotalSeconds >= seconds)
            _measured.TrySetResult();
    }
}
