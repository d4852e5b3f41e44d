using System.Text;

namespace Distributed.Coordinator;

/// <summary>How often each class was taken for each.</summary>
internal static class ConfusionMatrix
{
    /// <summary>A matrix of more classes is not printed.</summary>
    public const int MostClasses = 20;

    private const int LongestName = 12;

    /// <summary>Counts samples by true class (row) and predicted class (column).</summary>
    public static int[][] Count(ReadOnlySpan<int> labels, ReadOnlySpan<int> predictions, int classes)
    {
        int[][] counts = new int[classes][];
        for (int label = 0; label < classes; label++) counts[label] = new int[classes];
        for (int sample = 0; sample < labels.Length; sample++) counts[labels[sample]][predictions[sample]]++;
        return counts;
    }

    /// <summary>The matrix as aligned lines; columns are named as far as it fits, and a zero is a dot.</summary>
    public static IEnumerable<string> Lines(int[][] counts, IReadOnlyList<string> classNames)
    {
        if (counts.Length is 0 or > MostClasses) yield break;
        string[] names = [.. Enumerable.Range(0, counts.Length).Select(label => Name(classNames, label))];
        int first = names.Max(name => name.Length);
        int digits = counts.Max(row => row.Max()).ToString(System.Globalization.CultureInfo.InvariantCulture).Length;
        int width = Math.Max(digits, Math.Min(4, first)) + 1;
        yield return "Confusion (rows: true class, columns: predicted):";
        StringBuilder line = new("  " + new string(' ', first));
        foreach (string name in names) line.Append(Cut(name, width - 1).PadLeft(width));
        yield return line.ToString();
        for (int label = 0; label < counts.Length; label++)
        {
            line.Clear().Append("  ").Append(names[label].PadLeft(first));
            foreach (int count in counts[label])
            {
                string cell = count == 0 ? "." : count.ToString(System.Globalization.CultureInfo.InvariantCulture);
                line.Append(cell.PadLeft(width));
            }

            yield return line.ToString();
        }
    }

    private static string Name(IReadOnlyList<string> classNames, int label) =>
        Cut(label < classNames.Count ? classNames[label] : $"{label}", LongestName);

    private static string Cut(string text, int length) => text.Length <= length ? text : text[..length];
}
