using System.CommandLine;
using System.Globalization;
using Distributed.Learning;

namespace Distributed.Coordinator;

/// <summary><c>summary</c>: a model's layers, output shapes, parameters, multiply-adds and memory.</summary>
internal static class SummaryCommand
{
    private const int StandardBatch = 128;

    private static readonly Option<string> ModelName = new("--model")
    {
        Description = $"The network: {string.Join(", ", ModelCatalogue.Names)}, or a file (default: convnet).",
        HelpName = "NAME|FILE.json",
    };

    private static readonly Option<string> Batch = new("--batch")
    {
        Description = $"Samples of a mini-batch, for the memory (default: {StandardBatch}).",
        HelpName = "B",
    };

    /// <summary>The command.</summary>
    public static Command Create(CommandContext context)
    {
        Command command = new("summary", "A model's layers, shapes, parameters, multiply-adds and memory.")
        {
            ModelName, Batch,
        };
        command.SetAction(parsed =>
        {
            Model model = TrainOptionsReader.FindModel(parsed.GetValue(ModelName) ?? "convnet");
            foreach (string line in Lines(model, ParseBatch(parsed.GetValue(Batch)))) context.Output.WriteLine(line);
            return ExitCode.Done;
        });
        return command;
    }

    private static int ParseBatch(string? text)
    {
        if (text is null) return StandardBatch;
        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int batch) && batch >= 1 ? batch
            : throw new UsageException($"--batch: expected a whole number of at least 1, got '{text}'.");
    }

    private static IEnumerable<string> Lines(Model model, int batch)
    {
        int parameters = ParameterLayout.Of(model).Count;
        int microBatch = ExecutionPlan.DefaultMicroBatch(parameters, batch);
        ExecutionPlan plan = ExecutionPlan.Compile(model, microBatch);
        yield return $"{model.Name}: input {model.Channels}x{model.Height}x{model.Width}, {model.Classes} classes";
        List<string[]> rows = [["layer", "type", "output", "parameters", "multiply-adds"]];
        foreach (LayerSummary layer in plan.Layers)
        {
            rows.Add([layer.Name, layer.Type, layer.Output.ToString(), Wording.Count(layer.Parameters),
                Wording.Count(layer.MultiplyAdds)]);
        }

        rows.Add(["total", "", "", Wording.Count(plan.Parameters.Count), Wording.Count(plan.MultiplyAdds)]);
        int[] widths = [.. Enumerable.Range(0, rows[0].Length).Select(column => rows.Max(row => row[column].Length))];
        foreach (string[] row in rows)
        {
            IEnumerable<string> cells = row.Select((cell, column) =>
                column < 2 ? cell.PadRight(widths[column]) : cell.PadLeft(widths[column]));
            yield return "  " + string.Join("  ", cells).TrimEnd();
        }

        yield return $"parameters {Wording.Bytes((long)plan.Parameters.Length * sizeof(float))}, as much for " +
            "gradients and for each state of the optimizer";
        yield return $"a compute thread needs {Wording.Bytes(plan.ArenaBytes)} to train with micro-batches of " +
            $"{microBatch} (batch {batch}), {Wording.Bytes(plan.EvaluationArenaBytes)} to evaluate";
    }
}
