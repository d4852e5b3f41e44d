using System.Globalization;
using System.Text.RegularExpressions;

namespace Distributed.Checkpoints;

/// <summary>
/// A checkpoint's file name, <c>step-00001234-fence-0002.safetensors</c>, and its rank: the highest fence is the
/// newest, then the highest step.
/// </summary>
internal readonly partial record struct CheckpointFileName(long Step, int Fence) : IComparable<CheckpointFileName>
{
    public const string Extension = ".safetensors";

    /// <summary>What a file that is still being written begins with; no reader looks at such a file.</summary>
    public const string TemporaryPrefix = ".temporary-";

    public static CheckpointFileName? TryParse(string name)
    {
        Match match = Pattern().Match(name);
        return match.Success
            && long.TryParse(match.Groups[1].ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture, out long step)
            && int.TryParse(match.Groups[2].ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture, out int fence)
            && new CheckpointFileName(step, fence) is var parsed && parsed.ToString() == name
            ? parsed : null;
    }

    /// <summary>Every checkpoint of a folder, newest first; none where the folder does not exist.</summary>
    /// <exception cref="CheckpointException">The folder can't be read.</exception>
    public static List<CheckpointFileName> Find(string folder)
    {
        try
        {
            IEnumerable<string> files = Directory.Exists(folder) ? Directory.EnumerateFiles(folder) : [];
            return [.. files.Select(path => TryParse(Path.GetFileName(path))).OfType<CheckpointFileName>()
                .OrderDescending()];
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new CheckpointException(
                $"{folder}: this folder can't be read ({error.Message.TrimEnd('.')}); check its permissions.", error);
        }
    }

    public int CompareTo(CheckpointFileName other) => (Fence, Step).CompareTo((other.Fence, other.Step));

    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"step-{Step:D8}-fence-{Fence:D4}{Extension}");

    [GeneratedRegex(@"^step-([0-9]{8,19})-fence-([0-9]{4,10})\.safetensors\z", RegexOptions.CultureInvariant)]
    private static partial Regex Pattern();
}
