namespace Distributed.Protocol;

/// <summary>
/// A message of the control connection (or of a handshake). Roles switch on its type.
/// </summary>
/// <remarks>
/// Most messages are rare and immutable: an ordinary small object each. The steady-state ones
/// (<see cref="Heartbeat"/>, <see cref="Train"/>, <see cref="Credit"/>) are mutable, so that a link decodes into one
/// it was given back and a training step allocates nothing; a receiver that keeps one copies what it needs. What
/// travels before a tensor is a readonly struct instead: <see cref="GradientHeader"/>, <see cref="ParametersHeader"/>.
/// </remarks>
public abstract record Message
{
    /// <summary>The message's number.</summary>
    public abstract MessageKind Kind { get; }

    // Writes the fields as a map whose keys are those of CONTRACTS.md. Each message has a Read to match.
    internal abstract void Write(ref MessagePackWriter writer);
}
