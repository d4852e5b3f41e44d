using Distributed.Learning;

namespace Distributed.Coordinator;

/// <summary>A row of a summary: a layer, or a block with the layers in it, whose figures are theirs together.</summary>
internal sealed record SummaryRow(
    string Name, string Type, TensorShape Output, long Parameters, long MultiplyAdds, long OutputBytes,
    IReadOnlyList<SummaryRow> Layers)
{
    private const int LongestPattern = 3;

    /// <summary>The rows of the outermost layers; a block comes behind its layers in a model's summary.</summary>
    public static IReadOnlyList<SummaryRow> Of(IReadOnlyList<LayerSummary> layers)
    {
        List<SummaryRow> rows = [];
        foreach (LayerSummary layer in layers)
        {
            int first = rows.Count;
            while (first > 0 && rows[first - 1].Name.StartsWith(layer.Name + '.', StringComparison.Ordinal)) first--;
            List<SummaryRow> inner = rows[first..];
            rows.RemoveRange(first, inner.Count);
            rows.Add(Together(inner, layer.Name, layer.Type) with
            {
                Output = layer.Output,
                Parameters = layer.Parameters + inner.Sum(row => row.Parameters),
                MultiplyAdds = layer.MultiplyAdds + inner.Sum(row => row.MultiplyAdds),
                OutputBytes = ((long)layer.Output.Length * sizeof(float)) + inner.Sum(row => row.OutputBytes),
            });
        }

        return rows;
    }

    /// <summary>
    /// The same with blocks that repeat, on images of one size, in one row: "3-8", "3 x (residual, relu)".
    /// </summary>
    public static IReadOnlyList<SummaryRow> Folded(IReadOnlyList<SummaryRow> rows)
    {
        List<SummaryRow> folded = [];
        for (int at = 0; at < rows.Count;)
        {
            (int period, int times) = Pattern(rows, at);
            List<SummaryRow> repeated = [.. rows.Skip(at).Take(period * times)];
            at += repeated.Count;
            if (times == 1)
            {
                folded.Add(repeated[0]);
                continue;
            }

            string types = string.Join(", ", repeated.Take(period).Select(row => row.Type));
            string type = period == 1 ? $"{times} x {types}" : $"{times} x ({types})";
            folded.Add(Together(repeated, $"{repeated[0].Name}-{repeated[^1].Name}", type));
        }

        return folded;
    }

    /// <summary>One row for all.</summary>
    public static SummaryRow Together(IReadOnlyList<SummaryRow> rows, string name, string type) => new(
        name, type, rows.Count == 0 ? default : rows[^1].Output, rows.Sum(row => row.Parameters),
        rows.Sum(row => row.MultiplyAdds), rows.Sum(row => row.OutputBytes), rows);

    /// <summary>The shortest sequence that begins with a block and is repeated from here on, and how often.</summary>
    private static (int Period, int Times) Pattern(IReadOnlyList<SummaryRow> rows, int at)
    {
        for (int period = 1; period <= LongestPattern && rows[at].Layers.Count > 0; period++)
        {
            int end = at + period;
            while (end < rows.Count && IsAlike(rows[end - period], rows[end])) end++;
            int times = (end - at) / period;
            if (times > 1) return (period, times);
        }

        return (1, 1);
    }

    private static bool IsAlike(SummaryRow left, SummaryRow right) => left.Type == right.Type
        && (left.Output.Height, left.Output.Width) == (right.Output.Height, right.Output.Width);
}
