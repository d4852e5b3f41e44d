using System.Diagnostics;
using Distributed.Execution;
using Distributed.Learning;
using Distributed.Roles;

namespace Distributed.Coordinator;

/// <summary>
/// Measures what a cost model needs, on this machine, by the code that a run uses: passes over micro-batches on real
/// samples, preparing parameters, adding gradients, the optimizer's step.
/// </summary>
internal sealed class Calibration : IDisposable
{
    /// <summary>How long passes run before anything is measured: the runtime recompiles meanwhile.</summary>
    private const double WarmUpSeconds = 1.5;

    private const double SecondsEach = 0.3;
    private const int LeastRounds = 3;

    private const int MostGradients = 64;
    private const long FarBytes = 16 << 20;

    private readonly RunSpecification _specification;
    private readonly RunData _data;
    private readonly NativeBlock _parameters;
    private readonly ParameterLayout _layout;

    private Calibration(RunSpecification specification, RunData data)
    {
        (_specification, _data) = (specification, data);
        _layout = ParameterLayout.Of(specification.Model);
        _parameters = new NativeBlock(_layout.Length);
        _layout.Initialize(specification.Seed, _parameters.Span);
    }

    /// <summary>Measures the costs of a run's steps, for workers without a network.</summary>
    /// <param name="specification">The run, completed by its data.</param>
    /// <param name="data">The data.</param>
    /// <param name="threads">Compute threads of a worker.</param>
    public static CostModel Measure(RunSpecification specification, RunData data, int threads)
    {
        using Calibration calibration = new(specification, data);
        (double handOver, double message) = MessageTiming.Measure();
        int cores = Environment.ProcessorCount;
        using WorkerExecution execution = calibration.Execution(1);
        double prepare = Median(() =>
        {
            for (int part = 0; part < execution.PrepareParts; part++) execution.Prepare(part);
        });
        calibration.WarmUp(execution);
        List<double> passes = [];
        for (int leaves = 1; leaves <= execution.LeavesPerPass; leaves *= 2)
        {
            int samples = Math.Min(leaves * specification.MicroBatch, data.Training.Length);
            passes.Add(Median(() => execution.Compute(0, 0, 0, samples, default)));
        }

        using NativeBlock copy = new(calibration._layout.Length);
        using ParameterStore store = new(specification, MostGradients);
        (double add, double optimizer) = ServerTimes(store, specification);
        return new CostModel
        {
            PassSeconds = passes,
            PrepareSeconds = prepare,
            AddSeconds = add,
            OptimizerSeconds = optimizer,
            CopySeconds = Median(() => store.Parameters.CopyTo(copy.Span)),
            HandOverSeconds = handOver,
            MessageSeconds = message,
            GradientBytes = (long)calibration._layout.GradientLength * sizeof(float),
            ParameterBytes = (long)calibration._layout.Length * sizeof(float),
            Slowdown = [.. calibration.Slowdowns(cores)],
            Cores = cores,
            Threads = threads,
        };
    }

    /// <inheritdoc/>
    public void Dispose() => _parameters.Dispose();

    /// <summary>Seconds of an addition and of the optimizer's step on gradients that are in no near cache, as those
    /// are that another core has just written.</summary>
    private static (double Add, double Optimizer) ServerTimes(ParameterStore store, RunSpecification specification)
    {
        int count = (int)Math.Clamp(FarBytes / (sizeof(float) * (long)store.Layout.GradientLength), 3, MostGradients);
        BufferId[] gradients = [.. Enumerable.Range(0, count).Select(_ => store.RentGradient()!.Value)];
        int next = 0;
        double add = Median(() =>
        {
            BufferId left = gradients[next++ % count], right = gradients[next++ % count];
            store.Add(left, right);
            store.RentGradient();
        });
        double optimizer = Median(() =>
        {
            store.Step(1, specification.Batch, 0, gradients[next++ % count]);
            store.RentGradient();
        });
        return (add, optimizer);
    }

    private WorkerExecution Execution(int threads)
    {
        WorkerExecution execution = new(_specification, threads);
        execution.UseData(_data);
        execution.UseParameters(_parameters);
        for (int part = 0; part < execution.PrepareParts; part++) execution.Prepare(part);
        execution.EnsureEpoch(0);
        for (int i = 0; i < threads; i++)
            execution.EnsureBuffer(new BufferId(i), () => new NativeBlock(execution.GradientLength));
        return execution;
    }

    private void WarmUp(WorkerExecution execution)
    {
        int samples = Math.Min(execution.LeavesPerPass * _specification.MicroBatch, _data.Training.Length);
        for (long begun = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(begun).TotalSeconds < WarmUpSeconds;)
            execution.Compute(0, 0, 0, samples, default);
    }

    /// <summary>How much longer a micro-batch takes with 1, 2, 4 ... threads at once, and between them by a line.
    /// </summary>
    private IEnumerable<double> Slowdowns(int cores)
    {
        List<(int Threads, double Seconds)> measured = [];
        for (int threads = 1; ; threads = Math.Min(2 * threads, cores))
        {
            measured.Add((threads, SecondsTogether(threads)));
            if (threads == cores) break;
        }

        for (int threads = 1; threads <= cores; threads++)
        {
            int upper = measured.FindIndex(point => point.Threads >= threads), lower = Math.Max(0, upper - 1);
            (int from, double low) = measured[lower];
            (int to, double high) = measured[upper];
            double seconds = to == from ? high : low + (high - low) * (threads - from) / (to - from);
            yield return Math.Max(1, seconds / measured[0].Seconds);
        }
    }

    /// <summary>Seconds of a micro-batch while so many threads compute one after the other.</summary>
    private double SecondsTogether(int threads)
    {
        using WorkerExecution execution = Execution(threads);
        int samples = Math.Min(_specification.MicroBatch, _data.Training.Length);
        double[] seconds = new double[threads];
        using Barrier barrier = new(threads);
        Thread[] others = [.. Enumerable.Range(0, threads).Select(thread => new Thread(() =>
        {
            execution.Compute(thread, 0, 0, samples, new BufferId(thread));
            barrier.SignalAndWait();
            seconds[thread] = Median(() => execution.Compute(thread, 0, 0, samples, new BufferId(thread)));
        }))];
        foreach (Thread thread in others) thread.Start();
        foreach (Thread thread in others) thread.Join();
        return seconds.Average();
    }

    private static double Median(Action action)
    {
        action();
        List<double> seconds = [];
        long begun = Stopwatch.GetTimestamp();
        while (seconds.Count < LeastRounds || Stopwatch.GetElapsedTime(begun).TotalSeconds < SecondsEach)
        {
            long start = Stopwatch.GetTimestamp();
            action();
            seconds.Add(Stopwatch.GetElapsedTime(start).TotalSeconds);
        }

        seconds.Sort();
        return seconds[seconds.Count / 2];
    }
}
