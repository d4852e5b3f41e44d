namespace Distributed.Checkpoints;

/// <summary>
/// A checkpoint can't be written, read or trusted. The message is one clear sentence for the user: what, which file,
/// expected, got, what to do.
/// </summary>
/// <param name="message">The sentence.</param>
/// <param name="cause">The system's own error, where there was one.</param>
public sealed class CheckpointException(string message, Exception? cause = null)
    : Exception(Sentence.OneLine(message), cause);
