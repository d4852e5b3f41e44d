using System.Text;
using System.Text.Json;

namespace Distributed.Coordinator;

/// <summary>Reads the end of a metrics.jsonl that another process writes.</summary>
internal static class MetricsTail
{
    private const int MostBytes = 16 << 10;

    /// <summary>The step of the last whole line; 0: there is none.</summary>
    public static long LastStep(string path)
    {
        string[] lines = Tail(path).Split('\n');

        // What follows the last line break is not complete, and the first line may not be.
        for (int i = lines.Length - 2; i >= 0; i--)
        {
            if (StepOf(lines[i]) is { } step) return step;
        }

        return 0;
    }

    private static string Tail(string path)
    {
        try
        {
            using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            byte[] bytes = new byte[Math.Min(file.Length, MostBytes)];
            file.Seek(-bytes.Length, SeekOrigin.End);
            return Encoding.UTF8.GetString(bytes, 0, file.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false));
        }
        catch (IOException)
        {
            return ""; // not there yet, or just being cut
        }
    }

    private static long? StepOf(string line)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(line);
            return document.RootElement.TryGetProperty("step", out JsonElement step) ? step.GetInt64() : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
