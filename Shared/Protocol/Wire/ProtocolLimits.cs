namespace Distributed.Protocol;

/// <summary>What a peer may make this process read, hold or wait for. Every length is checked against these before
/// anything is allocated or read.</summary>
public sealed record ProtocolLimits
{
    /// <summary>The defaults.</summary>
    public static ProtocolLimits Default { get; } = new();

    /// <summary>Bytes of a frame's MessagePack header: for a control message, the whole message.</summary>
    public int MaxHeaderBytes { get; init; } = 4 << 20;

    /// <summary>Bytes of a frame's tensor payload.</summary>
    public int MaxPayloadBytes { get; init; } = 1 << 30;

    /// <summary>UTF-8 bytes of a string.</summary>
    public int MaxStringBytes { get; init; } = 1 << 20;

    /// <summary>Items of an array or entries of a map.</summary>
    public int MaxArrayItems { get; init; } = 1 << 20;

    /// <summary>Nesting of arrays and maps.</summary>
    public int MaxDepth { get; init; } = 16;

    /// <summary>Bytes of each of a connection's first two messages, before its token is checked.</summary>
    public int MaxHandshakeBytes { get; init; } = 16 << 10;

    /// <summary>How long a connection may take to be made, and to say who it is.</summary>
    public int HandshakeMilliseconds { get; init; } = 5_000;

    /// <summary>How long a worker waits for the answer; the coordinator may have data to load first.</summary>
    public int AnswerMilliseconds { get; init; } = 120_000;

    /// <summary>Connections that haven't said who they are yet. Where one more comes, the one that has waited longest
    /// is closed.</summary>
    public int MaxPendingHandshakes { get; init; } = 256;

    /// <summary>Connections of a port that have said who they are and are open: a worker has two, and a third while it
    /// is sent the data set. More are turned away.</summary>
    public int MaxConnections { get; init; } = 1024;

    /// <summary>Connections that a port takes in a second, and at once; those beyond wait in the system's queue, or are
    /// dropped by it.</summary>
    public int AcceptsPerSecond { get; init; } = 1000;

    /// <summary>TLS handshakes that one address may begin in a second, and twice as many at once; those beyond wait
    /// until their time to complete them is over.</summary>
    public int HandshakesPerSecond { get; init; } = 20;

    /// <summary>Pieces a second in which a connection's knock and hello may come: the only messages before it has said
    /// who it is.</summary>
    public int HandshakePiecesPerSecond { get; init; } = 20;

    /// <summary>Bytes waiting to be sent on a control link; a peer that reads no faster is cut off.</summary>
    public int MaxQueuedBytes { get; init; } = 16 << 20;

    /// <summary>Bytes of a frame's samples: what either end of a samples connection holds of the data set.</summary>
    public int MaxSamplesBytes { get; init; } = 256 << 10;

    /// <summary>How often a coordinator says that it loads its data still, to a worker that waits for them.</summary>
    public int PendingMilliseconds { get; init; } = 2_000;

    /// <summary>How long a data link waits for its peer to take or send a piece of a tensor that has begun, and a
    /// samples connection for the next piece.</summary>
    public int TransferMilliseconds { get; init; } = 10_000;
}
