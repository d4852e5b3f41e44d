using System.Net.Sockets;
using Distributed.Protocol;

namespace Distributed.Runtime;

/// <summary>How a link came to its end.</summary>
public enum LinkEndKind
{
    /// <summary>This side closed it.</summary>
    ClosedHere,

    /// <summary>The peer closed it, or its process died.</summary>
    ClosedByPeer,

    /// <summary>The peer was silent for longer than its lease, or took nothing for too long.</summary>
    TimedOut,

    /// <summary>The peer sent what it must not.</summary>
    ProtocolError,

    /// <summary>The network failed.</summary>
    Failed,
}

/// <summary>Why a link ended: a value, told to its handler exactly once.</summary>
/// <param name="Kind">How.</param>
/// <param name="Reason">A clause for a person, such as "the peer closed the connection".</param>
public readonly record struct LinkEnd(LinkEndKind Kind, string Reason)
{
    internal static LinkEnd ClosedHere { get; } = new(LinkEndKind.ClosedHere, "it was closed here");

    internal static LinkEnd ClosedByPeer { get; } = new(LinkEndKind.ClosedByPeer, "the peer closed the connection");

    internal static LinkEnd Of(ProtocolError error) =>
        new(LinkEndKind.ProtocolError, $"the peer sent {error.Describe()}");

    /// <param name="error">What a call ended with.</param>
    /// <param name="milliseconds">How long it may have waited.</param>
    internal static LinkEnd Of(SocketError error, int milliseconds) => error switch
    {
        SocketError.ConnectionReset or SocketError.ConnectionAborted or SocketError.Shutdown => ClosedByPeer,
        SocketError.TimedOut => new(
            LinkEndKind.TimedOut, $"the peer took longer than {milliseconds} ms to take or send a piece"),
        SocketError.OperationAborted or SocketError.Interrupted or SocketError.NotSocket => ClosedHere,
        _ => new(LinkEndKind.Failed, $"the connection failed ({error})"),
    };

    /// <inheritdoc/>
    public override string ToString() => Reason;
}
