namespace Distributed.Learning;

/// <summary>
/// A user's mistake in a model, an optimizer or a schedule: one clear sentence that says what is wrong, where, and
/// what to do about it. Never a fault of the program.
/// </summary>
public sealed class ModelException(string message) : Exception(Sentence.OneLine(message));
