using System.Globalization;

namespace Distributed.Coordinator;

/// <summary>How the batch goes with the workers.</summary>
internal enum Scaling
{
    /// <summary>The batch stays: each worker has less to do.</summary>
    Strong,

    /// <summary>The batch grows with the workers: each has as much to do.</summary>
    Weak,
}

/// <summary>A prediction for a number of workers.</summary>
/// <param name="Scaling">How the batch goes with the workers.</param>
/// <param name="Workers">The workers.</param>
/// <param name="Batch">Samples of a mini-batch.</param>
/// <param name="MicroBatches">Micro-batches for each worker, on average.</param>
/// <param name="Step">What a step is made of.</param>
/// <param name="Efficiency">Samples a second of a worker, over those of one that works alone.</param>
internal sealed record ScaleRow(
    Scaling Scaling, int Workers, int Batch, double MicroBatches, StepFigures Step, double Efficiency)
{
    /// <summary>Samples a second.</summary>
    public double SamplesPerSecond => Batch / Step.Seconds;
}

/// <summary>Predictions for a list of numbers of workers.</summary>
internal static class ScaleTable
{
    private const int MostSteps = 40, LeastSteps = 4, WorkerSteps = 1000;

    /// <summary>Simulates each number of workers, beside one that works alone.</summary>
    /// <param name="cost">The costs.</param>
    /// <param name="batch">Samples of a mini-batch; of one worker's share of it where it grows.</param>
    /// <param name="microBatch">Samples of a micro-batch.</param>
    /// <param name="workers">The numbers of workers.</param>
    /// <param name="scaling">How the batch goes with them.</param>
    /// <param name="seed">Says who is slow when.</param>
    public static IEnumerable<ScaleRow> Predict(
        CostModel cost, int batch, int microBatch, IEnumerable<int> workers, Scaling scaling, ulong seed)
    {
        double alone = batch / Simulate(1, batch).Seconds;
        foreach (int count in workers)
        {
            int whole = scaling == Scaling.Weak ? batch * count : batch;
            StepFigures step = Simulate(count, whole);
            double microBatches = (double)((whole + microBatch - 1) / microBatch) / count;
            yield return new ScaleRow(
                scaling, count, whole, microBatches, step, whole / step.Seconds / count / alone);
        }

        StepFigures Simulate(int count, int whole) => ScaleSimulation.Run(
            cost, whole, microBatch, count, Math.Clamp(WorkerSteps / count, LeastSteps, MostSteps), seed);
    }

    /// <summary>The header of <see cref="Line"/>'s columns.</summary>
    public static string Header =>
        $"{"workers",7}  {"batch",9}  {"micro-batches",13}  {"step",11}  {"samples/s",11}  {"efficiency",10}  bound by";

    /// <summary>A row as text.</summary>
    public static string Line(ScaleRow row) => string.Create(
        CultureInfo.InvariantCulture,
        $"{row.Workers,7:N0}  {row.Batch,9:N0}  {row.MicroBatches,13:0.###}  {row.Step.Seconds * 1e3,8:N2} ms  "
        + $"{row.SamplesPerSecond,11:N0}  {row.Efficiency * 100,8:F1} %  {row.Step.Bound}");
}
