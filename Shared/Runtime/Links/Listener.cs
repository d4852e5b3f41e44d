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

    /// <summary>A connection was turned away; for the log, at once: others wait meanwhile.</summary>
    void Rejected(in Rejection rejection);
}

/// <summary>
/// The coordinator's port: one for control, data and samples connections, whose first message says which it is. Whoever
/// doesn't prove to know the token in time, and with TLS show a certificate, is turned away before anything is allocated
/// for it.
/// </summary>
public sealed class Listener : IDisposable
{
    private const int Backlog = 512;

    private readonly Doorkeeper _doorkeeper;
    private readonly RunToken _token;
    private readonly ProtocolLimits _limits;
    private readonly ProtocolLimits _strangerLimits;
    private readonly LinkSecurity _security;
    private readonly IListenerHandler _handler;
    private int _open;

    private Listener(
        Socket socket, string token, IListenerHandler handler, ProtocolLimits limits, LinkSecurity security,
        TimeProvider time)
    {
        _security = security;
        _token = new RunToken(token);
        _handler = handler;
        _limits = limits;
        _strangerLimits = limits with { MaxStringBytes = Math.Min(limits.MaxStringBytes, limits.MaxHandshakeBytes) };
        EndPoint = (IPEndPoint)socket.LocalEndPoint!;
        _doorkeeper = new Doorkeeper(socket, _strangerLimits, security.IsTls, time)
        {
            Greet = security.IsTls ? Encrypt : stranger => Admit(stranger),
            TurnAway = TurnAway,
        };
    }

    /// <summary>Where it listens, with the port that was chosen.</summary>
    public IPEndPoint EndPoint { get; }

    /// <summary>Opens the port and takes connections from then on.</summary>
    /// <param name="endPoint">An address of this machine; port 0 takes any free one.</param>
    /// <param name="token">The run's secret.</param>
    /// <param name="handler">Takes the connections.</param>
    /// <param name="limits">Null for the defaults.</param>
    /// <param name="security">Null: on loopback only.</param>
    /// <param name="time">The clock of its deadlines and rates; null: the system's.</param>
    /// <exception cref="LinkException">The address needs TLS, or the port can't be had.</exception>
    public static Listener Open(
        IPEndPoint endPoint, string token, IListenerHandler handler, ProtocolLimits? limits = null,
        LinkSecurity? security = null, TimeProvider? time = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(token);
        security ??= LinkSecurity.LoopbackOnly;
        security.Require(endPoint);
        Socket socket = ListeningSocket.Open(endPoint, Backlog);
        Listener listener = new(
            socket, token, handler, limits ?? ProtocolLimits.Default, security, time ?? TimeProvider.System);
        LinkThread.Start($"listen {listener.EndPoint}", listener._doorkeeper.Run);
        return listener;
    }

    /// <summary>Takes no more connections. Open links stay open.</summary>
    public void Dispose() => _doorkeeper.Dispose();

    /// <summary>With TLS a stranger's first message comes after the handshake, which needs a thread to wait on.</summary>
    private void Encrypt(Stranger stranger)
    {
        FrameSocket socket = new(stranger.Socket, []);
        LinkThread.Start($"handshake {socket.Peer}", () =>
        {
            Message? message = null;
            string nonce = RunToken.NewNonce();
            try
            {
                if (_security.Secure(socket, _limits.HandshakeMilliseconds))
                {
                    Handshake.Send(socket, new Challenge(nonce));
                    message = Handshake.Read(
                        socket, _strangerLimits, _limits.MaxHandshakeBytes, _limits.HandshakeMilliseconds);
                }
            }
            finally
            {
                _doorkeeper.Greeted();
            }

            if (message is not null)
                Admit(stranger.Address, message, nonce, socket, LinkThread.Run);
            else if (socket.End is { } end)
                TurnAway(stranger.Address, Rejection.KindOf(end.Kind), end.Reason);
        });
    }

    private void Admit(Stranger stranger) => Admit(
        stranger.Address, stranger.Message!, stranger.Nonce, new FrameSocket(stranger.Socket, stranger.Rest),
        LinkThread.Start);

    /// <summary>Judges a first message, and hands the connection over.</summary>
    /// <param name="address">Where it comes from.</param>
    /// <param name="message">What it said.</param>
    /// <param name="nonce">What it was challenged with.</param>
    /// <param name="socket">The connection.</param>
    /// <param name="start">Runs what may take its time.</param>
    private void Admit(
        IPAddress address, Message message, string nonce, FrameSocket socket, Func<string, ThreadStart, Thread> start)
    {
        string? shown = message switch
        {
            Hello hello => hello.Token,
            DataHello hello => hello.Token,
            SamplesHello hello => hello.Token,
            _ => null,
        };
        if (shown is null)
        {
            socket.Fail(ProtocolError.UnexpectedMessage);
            TurnAway(address, RejectionKind.Rubbish, socket.End!.Value.Reason);
        }
        else if (message is Hello { Protocol: not ProtocolVersion.Current } other)
        {
            Refuse(address, socket, RejectionKind.OtherVersion, OtherProtocol(other));
        }
        else if (!_token.IsProven(shown, nonce))
        {
            Handshake.Refuse(socket, RunToken.Wrong);
            if (_token.WasProven(shown))
                TurnAway(address, RejectionKind.Replayed, "it sent the first message of an earlier connection again");
            else
                TurnAway(address, RejectionKind.WrongToken, RunToken.Wrong);
        }
        else if (Interlocked.Increment(ref _open) > _limits.MaxConnections)
        {
            Interlocked.Decrement(ref _open);
            Refuse(address, socket, RejectionKind.TooMany,
                $"There are {_limits.MaxConnections} connections already; the coordinator's setting "
                + $"{LimitSetting.Of(nameof(ProtocolLimits.MaxConnections)).Variable} allows more.");
        }
        else
        {
            socket.OnClosed(() => Interlocked.Decrement(ref _open));
            start($"handshake {socket.Peer}", () => HandOver(message, socket));
        }
    }

    private void HandOver(Message message, FrameSocket socket)
    {
        switch (message)
        {
            case Hello hello:
                _handler.ControlOpened(hello, new ControlLink(socket, _limits, isCoordinator: true));
                break;
            case DataHello hello:
                _handler.DataOpened(hello, new DataLink<ParametersHeader, GradientHeader>(socket, _limits));
                break;
            default:
                _handler.SamplesOpened((SamplesHello)message, new SamplesSender(socket, _limits));
                break;
        }
    }

    /// <summary>The sentence for a worker of another version.</summary>
    internal static string OtherProtocol(Hello hello) =>
        $"The coordinator speaks protocol {ProtocolVersion.Current} and the worker (program {hello.Program}) speaks "
        + $"{hello.Protocol}; run the same version on both.";

    private void Refuse(IPAddress address, FrameSocket socket, RejectionKind kind, string reason)
    {
        Handshake.Refuse(socket, reason);
        TurnAway(address, kind, reason);
    }

    private void TurnAway(IPAddress address, RejectionKind kind, string reason) =>
        _handler.Rejected(new Rejection(address.ToString(), kind, reason.TrimEnd('.')));
}
