using Distributed.Protocol;

namespace Distributed.Runtime;

/// <summary>What a connection that was turned away did.</summary>
public enum RejectionKind
{
    /// <summary>It said nothing in its time.</summary>
    Silent,

    /// <summary>It did not end its first message in time.</summary>
    Slow,

    /// <summary>Its first message came in too many pieces.</summary>
    Trickled,

    /// <summary>Its first message was longer than it may be.</summary>
    TooLong,

    /// <summary>It sent what is no first message.</summary>
    Rubbish,

    /// <summary>It sent a first message of an earlier connection again.</summary>
    Replayed,

    /// <summary>It did not know the token.</summary>
    WrongToken,

    /// <summary>It speaks another version of the protocol.</summary>
    OtherVersion,

    /// <summary>Its certificate is not trusted, or it does not trust ours.</summary>
    Distrusted,

    /// <summary>It ended the connection before it had said who it is.</summary>
    Left,

    /// <summary>There were too many connections.</summary>
    TooMany,
}

/// <summary>A connection that was turned away.</summary>
/// <param name="Address">Where it came from, without its port.</param>
/// <param name="Kind">What it did.</param>
/// <param name="Reason">The same as a clause for a person.</param>
public readonly record struct Rejection(string Address, RejectionKind Kind, string Reason)
{
    /// <summary>The same as a clause for a person, on one line: it may quote a stranger.</summary>
    public string Reason { get; } = Sentence.OneLine(Reason);

    /// <summary>For what a peer sent.</summary>
    internal static RejectionKind KindOf(ProtocolError error) =>
        error == ProtocolError.TooLong ? RejectionKind.TooLong : RejectionKind.Rubbish;

    /// <summary>For how a connection ended.</summary>
    internal static RejectionKind KindOf(LinkEndKind end) => end switch
    {
        LinkEndKind.TimedOut => RejectionKind.Slow,
        LinkEndKind.ProtocolError => RejectionKind.Rubbish,
        LinkEndKind.Failed => RejectionKind.Distrusted,
        _ => RejectionKind.Left,
    };
}
