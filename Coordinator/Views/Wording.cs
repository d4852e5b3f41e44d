using System.Globalization;

namespace Distributed.Coordinator;

/// <summary>How figures are written for a person; the same in every culture.</summary>
internal static class Wording
{
    /// <summary>1,234,567.</summary>
    public static string Count(long value) => value.ToString("N0", CultureInfo.InvariantCulture);

    /// <summary>98.76%; a dash where it is unknown.</summary>
    public static string Percent(double share) =>
        double.IsNaN(share) ? "-" : (share * 100).ToString("F2", CultureInfo.InvariantCulture) + "%";

    /// <summary>98.8%.</summary>
    public static string ShortPercent(double share) =>
        (share * 100).ToString("F1", CultureInfo.InvariantCulture) + "%";

    /// <summary>0.1234; a dash where it is unknown.</summary>
    public static string Loss(double loss) =>
        double.IsNaN(loss) ? "-" : loss.ToString("F4", CultureInfo.InvariantCulture);

    /// <summary>0:07, 12:34 or 1:23:45; a dash where it is unknown.</summary>
    public static string Duration(TimeSpan? time) => time is not { } known ? "-"
        : known.TotalHours < 1
            ? string.Create(CultureInfo.InvariantCulture, $"{(int)known.TotalMinutes}:{known.Seconds:00}")
            : string.Create(
                CultureInfo.InvariantCulture, $"{(int)known.TotalHours}:{known.Minutes:00}:{known.Seconds:00}");

    /// <summary>12.3 s below two minutes, else as <see cref="Duration"/>.</summary>
    public static string Seconds(double seconds) => seconds < 120
        ? string.Create(CultureInfo.InvariantCulture, $"{seconds:F1} s")
        : Duration(TimeSpan.FromSeconds(Math.Min(seconds, int.MaxValue)));

    /// <summary>1,234 samples/s.</summary>
    public static string Speed(double samplesPerSecond) => Count((long)Math.Round(samplesPerSecond)) + " samples/s";

    /// <summary>1.5 KiB, 37.0 MiB.</summary>
    public static string Bytes(long bytes)
    {
        (double value, string unit) = bytes switch
        {
            < 1L << 10 => (bytes, "B"),
            < 1L << 20 => (bytes / (double)(1L << 10), "KiB"),
            < 1L << 30 => (bytes / (double)(1L << 20), "MiB"),
            _ => (bytes / (double)(1L << 30), "GiB"),
        };
        return value.ToString(unit == "B" ? "F0" : "F1", CultureInfo.InvariantCulture) + " " + unit;
    }

    /// <summary>Breaks a text into lines of at most so many characters, between words where there are any.</summary>
    public static IEnumerable<string> Wrap(string text, int width)
    {
        foreach (string paragraph in text.Split('\n'))
        {
            string rest = paragraph.TrimEnd();
            while (rest.Length > width)
            {
                int space = rest.LastIndexOf(' ', width);
                int end = space > 0 ? space : width;
                yield return rest[..end];
                rest = rest[end..].TrimStart();
            }

            yield return rest;
        }
    }

    /// <summary>1 worker, 2 workers.</summary>
    public static string Number(long count, string noun) => $"{Count(count)} {noun}{(count == 1 ? "" : "s")}";
}
