using System.Net;
using System.Net.Sockets;
using Distributed.Protocol;

namespace Distributed.Runtime;

/// <summary>A connection that has not said yet who it is. What it sends is kept only as far as it may go.</summary>
internal sealed class Stranger
{
    private const byte TlsHandshakeRecord = 22; // RFC 8446, section 5.1

    private static readonly (RejectionKind Kind, string Reason) Left =
        (RejectionKind.Left, LinkEnd.ClosedByPeer.Reason);

    private readonly Socket _socket;
    private byte[] _bytes = [];
    private int _messageBytes;

    /// <summary>Takes a connection, and sends it the challenge where it is not encrypted first.</summary>
    /// <param name="socket">The connection.</param>
    /// <param name="since">When it came, as a time stamp.</param>
    /// <param name="challenges">Whether it is sent the challenge.</param>
    public Stranger(Socket socket, long since, bool challenges)
    {
        _socket = socket;
        Since = since;
        Address = (socket.RemoteEndPoint as IPEndPoint)?.Address ?? IPAddress.None;
        if (!challenges) return;
        Nonce = RunToken.NewNonce();
        byte[] frame = [];
        int length = 0;
        MessageCodec.Append(new Challenge(Nonce), ref frame, ref length);

        // Nothing was sent before, so there is room for it; that it failed shows when it is read from.
        socket.Send(frame.AsSpan(0, length), SocketFlags.None, out _);
    }

    /// <summary>The connection.</summary>
    public Socket Socket => _socket;

    /// <summary>What it was challenged with.</summary>
    public string Nonce { get; } = "";

    /// <summary>When it came, as a time stamp.</summary>
    public long Since { get; }

    /// <summary>Where it comes from.</summary>
    public IPAddress Address { get; }

    /// <summary>How often something was read from it.</summary>
    public int Pieces { get; private set; }

    /// <summary>Whether it wants to begin a TLS handshake, for which it waits for its turn.</summary>
    public bool WaitsForTls { get; private set; }

    /// <summary>Why it is to be turned away, by what it sent.</summary>
    public (RejectionKind Kind, string Reason)? Objection { get; private set; }

    /// <summary>Its first message, when it is there.</summary>
    public Message? Message { get; private set; }

    /// <summary>What came after that.</summary>
    public ReadOnlySpan<byte> Rest => _bytes.AsSpan(_messageBytes);

    /// <summary>Looks, without taking it, whether what waits to be read begins a TLS handshake.</summary>
    public void PeekForTls()
    {
        Span<byte> first = stackalloc byte[1];
        if (_socket.Receive(first, SocketFlags.Peek, out SocketError error) <= 0 || error != SocketError.Success)
            Objection = Left;
        else if (first[0] != TlsHandshakeRecord)
            Objection = (RejectionKind.Rubbish, "it does not speak TLS");
        else
            WaitsForTls = true;
    }

    /// <summary>Reads what is there, which must not be nothing, as far as a first message may go.</summary>
    /// <param name="limits">The limits.</param>
    /// <param name="scratch">Room for a message of the greatest length.</param>
    public void Read(ProtocolLimits limits, Span<byte> scratch)
    {
        int room = FramePrefix.ByteLength + limits.MaxHandshakeBytes - _bytes.Length;
        int count = _socket.Receive(scratch[..room], SocketFlags.None, out SocketError error);
        if (count <= 0 || error != SocketError.Success)
        {
            Objection = Left;
            return;
        }

        Pieces++;
        _bytes = [.. _bytes, .. scratch[..count]];
        if (_bytes.Length < FramePrefix.ByteLength) return;
        ProtocolError problem = FramePrefix.TryRead(_bytes, limits.MaxHandshakeBytes, 0, out FramePrefix prefix);
        int end = FramePrefix.ByteLength + prefix.HeaderBytes;
        if (problem == ProtocolError.None)
        {
            if (_bytes.Length < end) return;
            problem = MessageCodec.TryRead(
                prefix.Kind, _bytes.AsSpan(FramePrefix.ByteLength, prefix.HeaderBytes), limits, new MessagePool(),
                out Message? message);
            (Message, _messageBytes) = (message, end);
        }

        if (problem != ProtocolError.None) Objection = (Rejection.KindOf(problem), LinkEnd.Of(problem).Reason);
    }

    /// <summary>Closes it at once: neither end keeps anything of it.</summary>
    public void Reset()
    {
        try
        {
            _socket.LingerState = new LingerOption(enable: true, seconds: 0);
        }
        catch (SocketException)
        {
            // It has ended already.
        }

        _socket.Dispose();
    }
}
