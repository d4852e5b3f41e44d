namespace Distributed.Runtime;

/// <summary>A link couldn't be opened: one clear sentence for a person.</summary>
/// <param name="message">The sentence.</param>
/// <param name="refused">Whether the coordinator answered and said no, so that trying again is of no use.</param>
public sealed class LinkException(string message, bool refused = false) : Exception(Sentence.OneLine(message))
{
    /// <summary>Whether the coordinator answered and said no, so that trying again is of no use.</summary>
    public bool Refused { get; } = refused;
}
