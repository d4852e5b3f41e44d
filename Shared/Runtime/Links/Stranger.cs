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
    private int _read;

    /// <summary>Takes a connection.</summary>
    /// <param name="socket">The connection.</param>
    /// <param name="since">When it came, as a time stamp.</param>
    public Stranger(Socket socket, long since)
    {
        _socket = socket;
        Since = since;
        Address = (socket.RemoteEndPoint as IPEndPoint)?.Address ?? IPAddress.None;
    }

    /// <summary>The connection.</summary>
    public Socket Socket => _socket;

    /// <summary>What it was challenged with; empty: it has not knocked.</summary>
    public string Nonce { get; private set; } = "";

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

    /// <summary>Who it says it is, when it has.</summary>
    public Message? Message { get; private set; }

    /// <summary>What came after that.</summary>
    public ReadOnlySpan<byte> Rest => _bytes.AsSpan(_read);

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

    /// <summary>Reads what is there, which must not be nothing, as far as a knock and a hello may go, and answers the
    /// knock.</summary>
    /// <param name="limits">The limits.</param>
    /// <param name="scratch">Room for both.</param>
    public void Read(ProtocolLimits limits, Span<byte> scratch)
    {
        Span<byte> room = scratch[_bytes.Length..];
        int count = _socket.Receive(room, SocketFlags.None, out SocketError error);
        if (count <= 0 || error != SocketError.Success)
        {
            Objection = Left;
            return;
        }

        Pieces++;
        _bytes = [.. _bytes, .. room[..count]];
        while (TryTake(limits) is { } message)
        {
            if (message is not Knock || Nonce.Length > 0)
            {
                Message = message;
                return;
            }

            Nonce = RunToken.NewNonce();
            Answer(new Challenge(Nonce));
        }
    }

    /// <summary>Sends a few bytes. Nothing or little was sent before, so there is room for them; that it failed shows
    /// when it is read from.</summary>
    private void Answer(Message message)
    {
        byte[] frame = [];
        int length = 0;
        MessageCodec.Append(message, ref frame, ref length);
        _socket.Send(frame.AsSpan(0, length), SocketFlags.None, out _);
    }

    private Message? TryTake(ProtocolLimits limits)
    {
        ReadOnlySpan<byte> bytes = _bytes.AsSpan(_read);
        if (bytes.Length < FramePrefix.ByteLength) return null;
        ProtocolError problem = FramePrefix.TryRead(bytes, limits.MaxHandshakeBytes, 0, out FramePrefix prefix);
        int end = FramePrefix.ByteLength + prefix.HeaderBytes;
        Message? message = null;
        if (problem == ProtocolError.None)
        {
            if (bytes.Length < end) return null;
            _read += end;
            problem = MessageCodec.TryRead(
                prefix.Kind, bytes[FramePrefix.ByteLength..end], limits, new MessagePool(), out message);
        }

        if (problem != ProtocolError.None) Objection = (Rejection.KindOf(problem), LinkEnd.Of(problem).Reason);
        return message;
    }

    /// <summary>Turns it away with a sentence.</summary>
    public void Refuse(string reason)
    {
        Answer(new Refused(reason));
        try
        {
            _socket.Shutdown(SocketShutdown.Send);
        }
        catch (SocketException)
        {
            // It has ended already.
        }

        _socket.Dispose();
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
