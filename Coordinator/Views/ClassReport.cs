namespace Distributed.Coordinator;

/// <summary>How well one class was told.</summary>
/// <param name="Name">The class.</param>
/// <param name="Samples">Samples of it.</param>
/// <param name="Precision">Share of the samples taken for it that are of it; null: none was taken for it.</param>
/// <param name="Recall">Share of its samples taken for it; null: there is none.</param>
internal sealed record ClassScore(string Name, int Samples, double? Precision, double? Recall);

/// <summary>Precision and recall of every class, from the confusion matrix.</summary>
internal static class ClassReport
{
    private const int LongestName = 24;

    /// <summary>A score a class, in order.</summary>
    public static IReadOnlyList<ClassScore> Of(int[][] confusion, IReadOnlyList<string> classNames) =>
    [
        .. confusion.Select((row, label) =>
        {
            int samples = row.Sum(), taken = confusion.Sum(other => other[label]);
            return new ClassScore(classNames[label], samples, Share(row[label], taken), Share(row[label], samples));
        }),
    ];

    /// <summary>The scores as aligned lines.</summary>
    public static IEnumerable<string> Lines(int[][] confusion, IReadOnlyList<string> classNames)
    {
        if (confusion.Length == 0) yield break;
        IReadOnlyList<ClassScore> scores = Of(confusion, classNames);
        int width = Math.Min(LongestName, Math.Max("Class".Length, scores.Max(score => score.Name.Length)));
        yield return $"{"Class".PadRight(width)}  precision   recall  samples";
        foreach (ClassScore score in scores)
        {
            string name = score.Name.Length <= width ? score.Name : score.Name[..width];
            yield return $"{name.PadRight(width)}  {Percent(score.Precision),9}  {Percent(score.Recall),7}  " +
                $"{Wording.Count(score.Samples),7}";
        }
    }

    private static string Percent(double? share) => share is { } known ? Wording.Percent(known) : "-";

    private static double? Share(int part, int whole) => whole == 0 ? null : (double)part / whole;
}
