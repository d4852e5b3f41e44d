namespace Distributed.Coordinator;

/// <summary>A mistake in how the program was called or configured. The message is one sentence for a person.</summary>
internal sealed class UsageException(string message) : Exception(Sentence.OneLine(message));
