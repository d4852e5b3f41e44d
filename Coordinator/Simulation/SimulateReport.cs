using System.Globalization;
using Distributed.Data;
using Distributed.Execution;

namespace Distributed.Coordinator;

/// <summary>What <c>simulate</c> prints and draws.</summary>
/// <param name="specification">The run.</param>
/// <param name="cost">What its steps cost.</param>
/// <param name="output">Where it is printed.</param>
internal sealed class SimulateReport(RunSpecification specification, CostModel cost, TextWriter output)
{
    /// <summary>Says what the predictions rest on.</summary>
    public void WriteCosts(int threads)
    {
        Line($"{specification.Model.Name} on {specification.Data.Name}, batch {specification.Batch} in micro-batches "
            + $"of {specification.MicroBatch}, workers of {Wording.Number(threads, "thread")}");
        Line($"a micro-batch {Milliseconds(cost.Pass(1))}"
            + (cost.LeavesPerPass > 1
                ? $" ({cost.LeavesPerPass} in one pass {Milliseconds(cost.Pass(cost.LeavesPerPass))})" : "")
            + $", preparing parameters {Milliseconds(cost.PrepareSeconds)}; the server adds a gradient in "
            + $"{Milliseconds(cost.AddSeconds)}, steps in {Milliseconds(cost.OptimizerSeconds)}, copies the parameters "
            + $"in {Milliseconds(cost.CopySeconds)}");
        Line($"a message is handed over in {cost.HandOverSeconds * 1e6:F1} us and takes {cost.MessageSeconds * 1e6:F1} "
            + $"us of its sender; gradients of {Wording.Bytes(cost.GradientBytes)}, parameters of "
            + Wording.Bytes(cost.ParameterBytes));
        Line(cost.Network is { } network
            ? $"links of {network.BytesPerSecond * 8e-9:0.###} Gbit/s, latency {network.LatencySeconds * 1e6:0.###} us"
            : $"one host of {Wording.Number(cost.Cores, "core")}; with all of them busy a micro-batch takes "
                + $"{cost.Slowdown[^1]:F2} times as long");
        if (cost.Stragglers is { } slow)
            Line($"in each step {slow.Share * 100:0.###} % of the workers take {slow.Factor:0.###} times as long");
    }

    /// <summary>Prints a table for each way to scale, and draws all of them.</summary>
    public void WriteTables(IReadOnlyList<int> workers, IReadOnlyList<Scaling> scalings, string picture)
    {
        List<ScaleRow> rows = [];
        foreach (Scaling scaling in scalings)
        {
            output.WriteLine();
            output.WriteLine(scaling == Scaling.Weak
                ? $"weak scaling: a batch of {specification.Batch} for each worker"
                : $"strong scaling: a batch of {specification.Batch} in all");
            output.WriteLine(ScaleTable.Header);
            foreach (ScaleRow row in ScaleTable.Predict(
                cost, specification.Batch, specification.MicroBatch, workers, scaling, specification.Seed))
            {
                rows.Add(row);
                output.WriteLine(ScaleTable.Line(row));
            }
        }

        Save(picture, ScaleChart.Draw(rows));
        output.WriteLine();
        if (rows.Any(row => row.Workers > ScaleSimulation.MostForTheRole))
        {
            Line($"with more than {ScaleSimulation.MostForTheRole} workers an even deal stands in for the "
                + "coordinator's role, and the time of its own decisions is left out");
        }

        output.WriteLine($"chart: {picture}");
    }

    /// <summary>The prediction that is to be checked: samples a second of so many workers.</summary>
    public double Predict(int workers) => ScaleTable.Predict(
        cost, specification.Batch, specification.MicroBatch, [workers], Scaling.Strong, specification.Seed)
        .Single().SamplesPerSecond;

    private void Line(string text) => output.WriteLine(text);

    private static string Milliseconds(double seconds) => string.Create(
        CultureInfo.InvariantCulture, $"{seconds * 1e3:F3} ms");

    private static void Save(string path, DecodedImage image)
    {
        try
        {
            using FileStream file = File.Create(path);
            PngWriter.Write(file, image);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new UsageException($"--out: {path} can't be written ({error.Message.TrimEnd('.')}).");
        }
    }
}
