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
        calibration.WarmUp(execution);
        List<StepTimes> times = [];
        for (int leaves = 1; leaves <= execution.LeavesPerPass; leaves *= 2)
            times.Add(calibration.Steps(execution, Math.Min(leaves * specification.MicroBatch, data.Training.Length)));
        return new CostModel
        {
            PassSeconds = [.. times.Select(step => step.Pass)],
            PrepareSeconds = times[^1].Prepare,
            AddSeconds = times[^1].Add,
            OptimizerSeconds = times[^1].Optimizer,
            CopySeconds = times[^1].Copy,
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

    /// <summary>
    /// Medians over steps in which a worker's thread and the server's take turns, as in a run: what one has written is
    /// not in the caches of the other's core.
    /// </summary>
    private StepTimes Steps(WorkerExecution execution, int samples)
    {
        using ParameterStore store = new(_specification, maximumGradients: 1);
        using NativeBlock first = new(_layout.Length), second = new(_layout.Length);
        NativeBlock[] published = [first, second];
        NativeBlock[] gradients = [new(_layout.GradientLength), new(_layout.GradientLength)];
        List<StepTimes> steps = [];
        long begun = Stopwatch.GetTimestamp();
        while (steps.Count < LeastRounds || Stopwatch.GetElapsedTime(begun).TotalSeconds < SecondsEach)
        {
            double add = 0, optimizer = 0, copy = 0;
            NativeBlock newest = published[steps.Count % 2];
            OnAnotherThread(() =>
            {
                BufferId left = store.Borrow(new Lent(gradients[0])), right = store.Borrow(new Lent(gradients[1]));
                add = Seconds(() => store.Add(left, right));
                optimizer = Seconds(() => store.Step(1, _specification.Batch, 0, left));
                copy = Seconds(() => store.Parameters.CopyTo(newest.Span));
            });
            execution.UseParameters(newest);
            double prepare = Seconds(() => Prepare(execution));
            double pass = 0;
            for (int i = 0; i < gradients.Length; i++)
            {
                execution.Take(default);
                execution.EnsureBuffer(default, () => gradients[i]);
                double took = Seconds(() => execution.Compute(0, 0, 0, samples, default));
                if (i == 0) pass = took;
            }

            steps.Add(new StepTimes(prepare, pass, add, optimizer, copy));
        }

        execution.Take(default);
        execution.EnsureBuffer(default, () => new NativeBlock(_layout.GradientLength));
        execution.UseParameters(_parameters);
        foreach (NativeBlock gradient in gradients) gradient.Dispose();
        return new StepTimes(
            Middle(step => step.Prepare), Middle(step => step.Pass), Middle(step => step.Add),
            Middle(step => step.Optimizer), Middle(step => step.Copy));

        double Middle(Func<StepTimes, double> part) => steps.Select(part).Order().ElementAt(steps.Count / 2);
    }

    private static void OnAnotherThread(Action action)
    {
        Thread thread = new(() => action());
        thread.Start();
        thread.Join();
    }

    private static void Prepare(WorkerExecution execution)
    {
        for (int part = 0; part < execution.PrepareParts; part++) execution.Prepare(part);
    }

    private static double Seconds(Action action)
    {
        long start = Stopwatch.GetTimestamp();
        action();
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    private WorkerExecution Execution(int threads)
    {
        WorkerExecution execution = new(_specification, threads);
        execution.UseData(_data);
        execution.UseParameters(_parameters);
        Prepare(execution);
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
            seconds.Add(Seconds(action));
        }

        seconds.Sort();
        return seconds[seconds.Count / 2];
    }

    private readonly record struct StepTimes(double Prepare, double Pass, double Add, double Optimizer, double Copy);

    /// <summary>A block that nobody waits for.</summary>
    private sealed class Lent(NativeBlock block) : ILentBlock
    {
        public Span<float> Span => block.Span;

        public void Return()
        {
        }
    }
}
