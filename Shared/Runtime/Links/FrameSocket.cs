using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using Distributed.Protocol;

namespace Distributed.Runtime;

/// <summary>
/// A connected blocking socket that frames are read from and written to. Small reads go through a buffer; tensor bytes
/// go straight between the socket and their own memory. One thread may read while another writes.
/// Failures are values: the first one stays in <see cref="End"/>, and it never throws because of the peer. What is sent
/// is encrypted once <see cref="Secure"/> was called.
/// </summary>
internal sealed class FrameSocket : IDisposable
{
    private const int BufferBytes = 16 << 10;
    private const int TcpCongestionOption = 13; // TCP_CONGESTION of Linux
    private const int TcpLevel = 6;

    private readonly Socket _socket;
    private readonly Lock _endLock = new();
    private SslStream? _tls; // left to the garbage collector: a thread may be reading when the socket is closed
    private int _receiveTimeout;
    private int _sendTimeout;
    private byte[] _buffer;
    private int _start;
    private int _count;
    private LinkEnd? _end;
    private Action? _closed;

    /// <summary>Takes a socket, and what was read from it already.</summary>
    public FrameSocket(Socket socket, ReadOnlySpan<byte> read = default)
    {
        _socket = socket;
        _buffer = new byte[Math.Max(BufferBytes, read.Length)];
        read.CopyTo(_buffer);
        _count = read.Length;
        Peer = "?";
        Configure(() => Peer = socket.RemoteEndPoint?.ToString() ?? "?"); // a peer that has left already has none
        Configure(() => socket.NoDelay = true); // accepted ones don't inherit it everywhere
    }

    /// <summary>The peer's address, for people.</summary>
    public string Peer { get; private set; }

    /// <summary>Why it ended; null while it hasn't.</summary>
    public LinkEnd? End
    {
        get
        {
            lock (_endLock)
                return _end;
        }
    }

    /// <summary>Has something done once when it ends; at once if it has.</summary>
    public void OnClosed(Action closed)
    {
        lock (_endLock)
        {
            if (_end is null)
            {
                _closed = closed;
                return;
            }
        }
        closed();
    }

    /// <summary>Whether it is encrypted.</summary>
    public bool IsSecure => _tls is not null;

    /// <summary>How long one call may wait for the peer to take bytes; 0: for ever.</summary>
    public int SendTimeout
    {
        set => Configure(() => _socket.SendTimeout = _sendTimeout = value);
    }

    /// <summary>How long one call may wait for the peer's bytes; 0: for ever.</summary>
    public int ReceiveTimeout
    {
        set => Configure(() => _socket.ReceiveTimeout = _receiveTimeout = value);
    }

    /// <summary>Whether bytes wait to be read.</summary>
    public bool HasBytes => _count > 0 || Try(() => _socket.Available > 0);

    /// <summary>Whether a few kilobytes can be sent without waiting for the peer.</summary>
    public bool CanSendAtOnce => Poll();

    /// <summary>Encrypts the connection, before anything else is sent or read; false when it has ended.</summary>
    /// <param name="handshake">Throws an <see cref="AuthenticationException"/> with a clause for a person.</param>
    /// <param name="milliseconds">The deadline.</param>
    public bool Secure(Func<Socket, SslStream> handshake, int milliseconds)
    {
        using Timer deadline = new(
            _ => Close(new LinkEnd(
                LinkEndKind.TimedOut, $"the TLS handshake took longer than {milliseconds} ms")),
            null, milliseconds, Timeout.Infinite);
        try
        {
            _tls = handshake(_socket);
            return true;
        }
        catch (AuthenticationException exception)
        {
            return Fail(new LinkEnd(LinkEndKind.Failed, exception.Message));
        }
        catch (Exception exception) when (exception is IOException or SocketException or ObjectDisposedException)
        {
            return Fail(new LinkEnd(LinkEndKind.ClosedByPeer, "it ended the connection during the TLS handshake"));
        }
        catch (Exception)
        {
            // SslStream throws others too for records that are none, such as ArgumentOutOfRangeException.
            return Fail(new LinkEnd(LinkEndKind.Failed, "it sent what is no TLS handshake"));
        }
    }

    /// <summary>Ends the connection; the first reason stays. Unblocks whoever reads or writes.</summary>
    public void Close(LinkEnd reason)
    {
        lock (_endLock)
        {
            if (_end is not null)
                return;
            _end = reason;
        }
        Configure(() => _socket.Shutdown(SocketShutdown.Both));
        _socket.Dispose();
        _closed?.Invoke();
    }

    /// <summary>Says that nothing more will be sent; the peer sees the end after all that was.</summary>
    public void FinishSending() => Configure(() => _socket.Shutdown(SocketShutdown.Send));

    public void Dispose() => Close(LinkEnd.ClosedHere);

    /// <summary>Sends all the bytes, waiting as long as it takes; false when the connection ended.</summary>
    public bool Send(ReadOnlySpan<byte> bytes)
    {
        try
        {
            while (bytes.Length > 0)
            {
                int sent = SendSome(bytes, out SocketError error);
                if (error != SocketError.Success)
                    return Fail(LinkEnd.Of(Timely(error), _sendTimeout));
                bytes = bytes[sent..];
            }
            return true;
        }
        catch (ObjectDisposedException)
        {
            return Fail(LinkEnd.ClosedHere);
        }
    }

    /// <summary>
    /// Reads <paramref name="count"/> bytes into the buffer; they stay valid until the next read. Waiting for a first
    /// byte is idling and may last for ever; from then on each wait is limited by <see cref="ReceiveTimeout"/>.
    /// </summary>
    /// <param name="count">How many.</param>
    /// <param name="idle">Whether this may wait for ever for the first byte.</param>
    /// <param name="bytes">The bytes; empty when the connection ended.</param>
    public bool Read(int count, bool idle, out ReadOnlySpan<byte> bytes)
    {
        MakeRoom(count);
        while (_count < count)
        {
            int received = Receive(_buffer.AsSpan(_start + _count), idle && _count == 0);
            if (received == 0)
            {
                bytes = default;
                return false;
            }
            _count += received;
        }
        bytes = _buffer.AsSpan(_start, count);
        _start += count;
        _count -= count;
        return true;
    }

    /// <summary>Fills the destination, straight from the socket but for what the buffer holds already.</summary>
    public bool ReadInto(Span<byte> destination)
    {
        int buffered = Math.Min(_count, destination.Length);
        _buffer.AsSpan(_start, buffered).CopyTo(destination);
        _start += buffered;
        _count -= buffered;
        destination = destination[buffered..];
        while (destination.Length > 0)
        {
            int received = Receive(destination, idle: false);
            if (received == 0)
                return false;
            destination = destination[received..];
        }
        return true;
    }

    /// <summary>Ends the connection for what the peer sent. Always false.</summary>
    public bool Fail(ProtocolError error) => Fail(LinkEnd.Of(error));

    private bool Fail(LinkEnd reason)
    {
        Close(reason);
        return false;
    }

    // At least one byte; 0 when the connection ended.
    private int Receive(Span<byte> destination, bool idle)
    {
        try
        {
            while (true)
            {
                int received = ReceiveSome(destination, idle, out SocketError error);
                if (error == SocketError.Success && received > 0)
                    return received;
                if (idle && Timely(error) == SocketError.TimedOut)
                    continue;
                Close(error == SocketError.Success ? LinkEnd.ClosedByPeer : LinkEnd.Of(Timely(error), _receiveTimeout));
                return 0;
            }
        }
        catch (ObjectDisposedException)
        {
            Close(LinkEnd.ClosedHere);
            return 0;
        }
    }

    private int SendSome(ReadOnlySpan<byte> bytes, out SocketError error)
    {
        if (_tls is null)
            return _socket.Send(bytes, SocketFlags.None, out error);
        try
        {
            _tls.Write(bytes);
            error = SocketError.Success;
            return bytes.Length;
        }
        catch (Exception exception) when (exception is not ObjectDisposedException)
        {
            error = Cause(exception);
            return 0;
        }
    }

    private int ReceiveSome(Span<byte> destination, bool idle, out SocketError error)
    {
        if (_tls is null)
            return _socket.Receive(destination, SocketFlags.None, out error);
        try
        {
            // A record that a timeout cut in two could not be read on.
            if (idle && _receiveTimeout > 0)
                _socket.ReceiveTimeout = 0;
            int received = _tls.Read(destination);
            if (idle && _receiveTimeout > 0)
                _socket.ReceiveTimeout = _receiveTimeout;
            error = SocketError.Success;
            return received;
        }
        catch (Exception exception) when (exception is not ObjectDisposedException)
        {
            error = Cause(exception);
            return 0;
        }
    }

    // An alert of the peer's, or what is no TLS, whatever SslStream throws for it, ends it like its closing.
    private static SocketError Cause(Exception exception) =>
        exception.InnerException is SocketException cause ? cause.SocketErrorCode : SocketError.ConnectionReset;

    // A blocking call that ran into its timeout reports EAGAIN on some systems.
    private static SocketError Timely(SocketError error) =>
        error == SocketError.WouldBlock ? SocketError.TimedOut : error;

    private void MakeRoom(int count)
    {
        if (_count == 0)
            _start = 0;
        if (_buffer.Length - _start >= count)
            return;
        byte[] target = _buffer.Length >= count ? _buffer : new byte[Math.Max(count, 2 * _buffer.Length)];
        _buffer.AsSpan(_start, _count).CopyTo(target);
        _buffer = target;
        _start = 0;
    }

    private bool Poll()
    {
        try
        {
            return _socket.Poll(0, SelectMode.SelectWrite);
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            return false;
        }
    }

    private static bool Try(Func<bool> question)
    {
        try
        {
            return question();
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            return false;
        }
    }

    // What can only fail because the connection has ended, which the next read or write notices.
    private static void Configure(Action change)
    {
        try
        {
            change();
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
        }
    }

    /// <summary>
    /// Chooses how a socket sends: before it connects, or before it listens, for those it will accept. Chosen later, a
    /// socket that began under BBR stays paced, to a quarter of the speed on loopback.
    /// </summary>
    public static void Configure(Socket socket)
    {
        Configure(() => socket.NoDelay = true);
        // Reno is allowed everywhere, cubic not to everybody; where neither can be chosen the system's default stays.
        if (!OperatingSystem.IsLinux())
            return;
        Configure(() => socket.SetRawSocketOption(TcpLevel, TcpCongestionOption, "reno"u8));
        Configure(() => socket.SetRawSocketOption(TcpLevel, TcpCongestionOption, "cubic"u8));
    }
}
