using System.CommandLine;
using System.Globalization;
using Distributed.Learning;

namespace Distributed.Coordinator;

/// <summary><c>summary</c>: a model's layers, output shapes, parameters, multiply-adds and memory.</summary>
internal static class SummaryCommand
{
    private const int StandardBatch = 128;
    private const int LargeImage = 50_000;
    private const int LargeImageBatch = 16;

    private static readonly Option<string> ModelName = new("--model")
    {
        Description = $"The network: {string.Join(", ", ModelCatalogue.Names)}, or a file (default: convnet).",
        HelpName = "NAME|FILE.json",
    };

    private static readonly Option<string> Batch = new("--batch")
    {
        Description = $"Samples of a mini-batch, for the memory (default: {StandardBatch}, of large images "
            + $"{LargeImageBatch}).",
        HelpName = "B",
    };

    private static readonly Option<bool> All = new("--all")
    {
        Description = "A line for every network that has a name.",
    };

    private static readonly Option<bool> Layers = new("--layers")
    {
        Description = "A line for every layer, also within blocks and where blocks repeat.",
    };

    /// <summary>The command.</summary>
    public static Command Create(CommandContext context)
    {
        Command command = new("summary", "A model's layers, shapes, parameters, multiply-adds and memory.")
        {
            ModelName, Batch, All, Layers,
        };
        command.SetAction(parsed =>
        {
            int? batch = ParseBatch(parsed.GetValue(Batch));
            if (parsed.GetValue(All) && parsed.GetValue(ModelName) is not null)
                throw new UsageException("--all lists every network; leave --model out.");
            IEnumerable<string> lines = parsed.GetValue(All)
                ? AllLines(batch)
                : Lines(
                    TrainOptionsReader.FindModel(parsed.GetValue(ModelName) ?? "convnet"), batch,
                    parsed.GetValue(Layers));
            foreach (string line in lines) context.Output.WriteLine(line);
            return ExitCode.Done;
        });
        return command;
    }

    private static int? ParseBatch(string? text)
    {
        if (text is null) return null;
        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int batch) && batch >= 1 ? batch
            : throw new UsageException($"--batch: expected a whole number of at least 1, got '{text}'.");
    }

    /// <summary>A plan for the micro-batch that a run of that batch has.</summary>
    private static (ExecutionPlan Plan, int Batch) Compile(Model model, int? batch)
    {
        long values = (long)model.Channels * model.Height * model.Width;
        int samples = batch ?? (values > LargeImage ? LargeImageBatch : StandardBatch);
        int microBatch = ExecutionPlan.DefaultMicroBatch(model, samples);
        return (ExecutionPlan.Compile(model, microBatch), samples);
    }

    private static IEnumerable<string> AllLines(int? batch)
    {
        List<string[]> rows =
        [
            ["model", "input", "classes", "layers", "parameters", "multiply-adds", "batch", "memory of a thread"],
        ];
        foreach (string name in ModelCatalogue.Names)
        {
            Model model = ModelCatalogue.Find(name);
            (ExecutionPlan plan, int samples) = Compile(model, batch);
            rows.Add([name, $"{model.Channels}x{model.Height}x{model.Width}", Wording.Count(model.Classes),
                Wording.Count(plan.Layers.Count), Wording.Count(plan.Parameters.Count),
                Wording.Count(plan.MultiplyAdds), Wording.Count(samples), Wording.Bytes(plan.ArenaBytes)]);
        }

        return Table(rows);
    }

    private static IEnumerable<string> Lines(Model model, int? wanted, bool everyLayer)
    {
        (ExecutionPlan plan, int batch) = Compile(model, wanted);
        string note = ModelCatalogue.Note(model.Name) is { } said ? $"; {said}" : "";
        string input = $"{model.Channels}x{model.Height}x{model.Width}";
        yield return $"{model.Name}: input {input}, {model.Classes} classes{note}";
        IReadOnlyList<SummaryRow> outermost = SummaryRow.Of(plan.Layers);
        SummaryRow total = SummaryRow.Together(outermost, "total", "");
        List<string[]> rows = [["layer", "type", "output", "parameters", "multiply-adds", "memory of outputs"]];
        foreach (SummaryRow row in everyLayer ? outermost : SummaryRow.Folded(outermost))
            Add(rows, row, everyLayer, indent: "");
        rows.Add([total.Name, "", "", .. Figures(total)]);
        foreach (string row in Table(rows)) yield return "  " + row;
        if (!everyLayer && rows.Count < plan.Layers.Count + 2)
            yield return $"blocks stand for their layers; --layers prints all {plan.Layers.Count}";
        yield return $"parameters {Wording.Bytes((long)plan.Parameters.Length * sizeof(float))}, as much for " +
            "gradients and for each state of the optimizer";
        yield return "outputs are those of one sample; a thread's buffers share memory";
        yield return $"a compute thread needs {Wording.Bytes(plan.ArenaBytes)} to train with micro-batches of " +
            $"{plan.MicroBatch} (batch {batch}), {Wording.Bytes(plan.EvaluationArenaBytes)} to evaluate";
    }

    private static void Add(List<string[]> rows, SummaryRow row, bool everyLayer, string indent)
    {
        rows.Add([indent + row.Name, row.Type, row.Output.ToString(), .. Figures(row)]);
        if (!everyLayer) return;
        foreach (SummaryRow inner in row.Layers) Add(rows, inner, everyLayer, indent + "  ");
    }

    private static string[] Figures(SummaryRow row) =>
        [Wording.Count(row.Parameters), Wording.Count(row.MultiplyAdds), Wording.Bytes(row.OutputBytes)];

    /// <summary>Rows in columns: the first two to the left, figures to the right.</summary>
    private static IEnumerable<string> Table(List<string[]> rows)
    {
        int[] widths = [.. Enumerable.Range(0, rows[0].Length).Select(column => rows.Max(row => row[column].Length))];
        return rows.Select(row => string.Join("  ", row.Select((cell, column) =>
            column < 2 ? cell.PadRight(widths[column]) : cell.PadLeft(widths[column]))).TrimEnd());
    }
}
