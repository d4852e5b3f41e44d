using System.Net;
using System.Net.Sockets;
using Distributed.Protocol;

namespace Distributed.Runtime;

/// <summary>Takes the connections that a <see cref="Listener"/> let through, each call on a thread of its own. The
/// handler accepts or refuses the link, there or later.</summary>
public interface IListenerHandler
{
    /// <summary>A worker with the right token and protocol asks to join.</summary>
    void ControlOpened(Hello hello, IControlLink link);

    /// <summary>A worker with the right token opens its data connection; run, fence and worker are for the handler to
    /// check.
    /// </summary>
    void DataOpened(DataHello hello, DataLink<ParametersHeader, GradientHeader> link);

    /// <summary>A worker with the right token asks for the data set; run, fence and worker are for the handler to
    /// check. The thread is the connection's to be served on.</summary>
    void SamplesOpened(SamplesHello hello, SamplesSender link) => link.Refuse("There is no data set to be had here.");

    /// <summary>A connection was turned away; for the log.</summary>
    void Rejected(string peer, string reason);
}

/// <summary>
/// The coordinator's port: one for control, data and samples connections, whose first message says which it is. Whoever
/// doesn't show the token in time, and with TLS a certificate, is turned away before anything is allocated for it.
/// </summary>
public sealed class Listener : IDisposable
{
    private const int Backlog = 128;
    private const int AcceptPauseMilliseconds = 50;

    private readonly Socket _socket;
    private readonly RunToken _token;
    private readonly ProtocolLimits _limits;
    private readonly ProtocolLimits _strangerLimits;
    private readonly LinkSecurity _security;
    private readonly IListenerHandler _handler;
    private readonly ManualResetEventSlim _closed = new();
    private int _pending;

    private Listener(
        Socket socket, string token, IListenerHandler handler, ProtocolLimits limits, LinkSecurity security)
    {
        _socket = socket;
        _security = security;
        _token = new RunToken(token);
        _handler = handler;
        _limits = limits;
        _strangerLimits = limits with { MaxStringBytes = Math.Min(limits.MaxStringBytes, limits.MaxHandshakeBytes) };
        EndPoint = (IPEndPoint)socket.LocalEndPoint!;
    }

    /// <summary>Where it listens, with the port that was chosen.</summary>
    public IPEndPoint EndPoint { get; }

    /// <summary>Opens the port and takes connections from then on.</summary>
    /// <param name="endPoint">An address of this machine; port 0 takes any free one.</param>
    /// <param name="token">The run's secret.</param>
    /// <param name="handler">Takes the connections.</param>
    /// <param name="limits">Null for the defaults.</param>
    /// <param name="security">Null: on loopback only.</param>
    /// <exception cref="LinkException">The address needs TLS, or the port can't be had.</exception>
    public static Listener Open(
        IPEndPoint endPoint, string token, IListenerHandler handler, ProtocolLimits? limits = null,
        LinkSecurity? security = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(token);
        security ??= LinkSecurity.LoopbackOnly;
        security.Require(endPoint);
        Socket socket = ListeningSocket.Open(endPoint, Backlog);
        Listener listener = new(socket, token, handler, limits ?? ProtocolLimits.Default, security);
        LinkThread.Start($"listen {listener.EndPoint}", listener.AcceptLoop);
        return listener;
    }

    /// <summary>Takes no more connections. Open links stay open.</summary>
    public void Dispose()
    {
        _closed.Set();
        _socket.Dispose();
    }

    private void AcceptLoop()
    {
        while (!_closed.IsSet)
        {
            try
            {
                Open(_socket.Accept());
            }
            catch (ObjectDisposedException)
            {
                return;
            }
            catch (SocketException)
            {
                // The connection was gone already, or the process is out of handles; the next may succeed.
                _closed.Wait(AcceptPauseMilliseconds);
            }
        }
    }

    private void Open(Socket accepted)
    {
        FrameSocket socket = new(accepted);
        if (Interlocked.Increment(ref _pending) <= _limits.MaxPendingHandshakes)
        {
            LinkThread.Start($"handshake {socket.Peer}", () => Greet(socket));
            return;
        }
        Interlocked.Decrement(ref _pending);
        socket.Dispose();
        _handler.Rejected(socket.Peer, "too many connections are waiting to say who they are");
    }

    private void Greet(FrameSocket socket)
    {
        Message? message = _security.Secure(socket, _limits.HandshakeMilliseconds)
            ? Handshake.Read(socket, _strangerLimits, _limits.MaxHandshakeBytes, _limits.HandshakeMilliseconds)
            : null;
        Interlocked.Decrement(ref _pending);
        switch (message)
        {
            case null:
                _handler.Rejected(socket.Peer, socket.End?.Reason ?? "");
                break;
            case Hello hello when !_token.Is(hello.Token):
            case DataHello dataHello when !_token.Is(dataHello.Token):
            case SamplesHello samplesHello when !_token.Is(samplesHello.Token):
                Refuse(socket, RunToken.Wrong);
                break;
            case Hello { Protocol: not ProtocolVersion.Current } hello:
                Refuse(socket, OtherProtocol(hello));
                break;
            case Hello hello:
                _handler.ControlOpened(hello, new ControlLink(socket, _limits, isCoordinator: true));
                break;
            case DataHello dataHello:
                _handler.DataOpened(dataHello, new DataLink<ParametersHeader, GradientHeader>(socket, _limits));
                break;
            case SamplesHello samplesHello:
                _handler.SamplesOpened(samplesHello, new SamplesSender(socket, _limits));
                break;
            default:
                socket.Fail(ProtocolError.UnexpectedMessage);
                _handler.Rejected(socket.Peer, socket.End!.Value.Reason);
                break;
        }
    }

    /// <summary>The sentence for a worker of another version.</summary>
    internal static string OtherProtocol(Hello hello) =>
        $"The coordinator speaks protocol {ProtocolVersion.Current} and the worker (program {hello.Program}) speaks "
        + $"{hello.Protocol}; run the same version on both.";

    private void Refuse(FrameSocket socket, string reason)
    {
        Handshake.Refuse(socket, reason);
        _handler.Rejected(socket.Peer, reason);
    }
}
