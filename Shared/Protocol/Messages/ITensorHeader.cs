namespace Distributed.Protocol;

/// <summary>What stands before a tensor on a data connection, or before samples on a connection of theirs. A readonly
/// struct, so that writing and reading one allocates nothing.</summary>
/// <typeparam name="TSelf">The header itself.</typeparam>
public interface ITensorHeader<TSelf> where TSelf : struct, ITensorHeader<TSelf>
{
    /// <summary>The message's number.</summary>
    static abstract MessageKind Kind { get; }

    /// <summary>Writes the fields as a map whose keys are those of CONTRACTS.md.</summary>
    void Write(ref MessagePackWriter writer);

    /// <summary>Reads what <see cref="Write"/> writes; errors stay in the reader.</summary>
    static abstract TSelf Read(ref MessagePackReader reader);
}
