namespace Distributed.Data;

/// <summary>
/// A data set or an image can't be used. The message is one clear sentence for the user: what, which file, expected,
/// got, what to do.
/// </summary>
/// <param name="message">The sentence.</param>
/// <param name="cause">The system's own error, where there was one.</param>
public sealed class DataException(string message, Exception? cause = null)
    : Exception(Sentence.OneLine(message), cause)
{
    /// <summary>Whether one image's content is broken, so that the others may be used without it.</summary>
    public bool IsCorrupt { get; init; }
}
