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
/// doesn't prove to know the token in time, and with TLS show a certificate, is turned away before anything is
/// allocated for it.
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
            Greet = security.IsTls ? Encrypt : Admit,
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

    /// <summary>With TLS a stranger's messages come after the handshake, which needs a thread to wait on.</summary>
    private void Encrypt(Stranger stranger)
    {
        FrameSocket socket = new(stranger.Socket);
        LinkThread.Start($"handshake {socket.Peer}", () =>
        {
            Message? message;
            string nonce = "";
            try
            {
                message = _security.Secure(socket, _limits.HandshakeMilliseconds) ? Read(socket) : null;
                if (message is Knock)
                {
                    nonce = RunToken.NewNonce();
                    Handshake.Send(socket, new Challenge(nonce));
                    message = Read(socket);
                }
            }
            finally
            {
                _doorkeeper.Greeted();
            }

            if (message is not null)
                Admit(stranger.Address, message, nonce, socket);
            else if (socket.End is { } end)
                TurnAway(stranger.Address, Rejection.KindOf(end.Kind), end.Reason);
        });
    }

    private Message? Read(FrameSocket socket) =>
        Handshake.Read(socket, _strangerLimits, _limits.MaxHandshakeBytes, _limits.HandshakeMilliseconds);

    private void Admit(IPAddress address, Message message, string nonce, FrameSocket socket)
    {
        if (Judge(message, nonce) is not { } verdict)
        {
            HandOver(message, socket);
            return;
        }

        if (verdict.Told is { } told) Handshake.Refuse(socket, told);
        else socket.Dispose();
        TurnAway(address, verdict.Kind, verdict.Reason);
    }

    /// <summary>The same for one that got neither thread nor buffers yet.</summary>
    private void Admit(Stranger stranger)
    {
        if (Judge(stranger.Message!, stranger.Nonce) is not { } verdict)
        {
            FrameSocket socket = new(stranger.Socket, stranger.Rest);
            LinkThread.Start($"handshake {socket.Peer}", () => HandOver(stranger.Message!, socket));
            return;
        }

        if (verdict.Told is { } told) stranger.Refuse(told);
        else stranger.Reset();
        TurnAway(stranger.Address, verdict.Kind, verdict.Reason);
    }

    /// <summary>Why who says this is turned away; null: it is let in, and counts as open.</summary>
    private Verdict? Judge(Message message, string nonce)
    {
        string? shown = message switch
        {
            Hello hello => hello.Token,
            DataHello hello => hello.Token,
            SamplesHello hello => hello.Token,
            _ => null,
        };
        if (shown is null)
            return new Verdict(RejectionKind.Rubbish, LinkEnd.Of(ProtocolError.UnexpectedMessage).Reason, null);
        if (message is Hello { Protocol: not ProtocolVersion.Current } other)
            return new Verdict(RejectionKind.OtherVersion, OtherProtocol(other), OtherProtocol(other));
        if (!_token.IsProven(shown, nonce))
        {
            return _token.WasProven(shown)
                ? new Verdict(RejectionKind.Replayed, "it sent the hello of an earlier connection again",
                    RunToken.Wrong)
                : new Verdict(RejectionKind.WrongToken, RunToken.Wrong, RunToken.Wrong);
        }

        if (Interlocked.Increment(ref _open) <= _limits.MaxConnections) return null;
        Interlocked.Decrement(ref _open);
        string variable = LimitSetting.Of(nameof(ProtocolLimits.MaxConnections)).Variable;
        string full = $"There are {_limits.MaxConnections} connections already; the coordinator's setting {variable} "
            + "allows more.";
        return new Verdict(RejectionKind.TooMany, full, full);
    }

    /// <param name="Kind">What it did.</param>
    /// <param name="Reason">The same for the log.</param>
    /// <param name="Told">The same for the peer; null: it is told nothing.</param>
    private readonly record struct Verdict(RejectionKind Kind, string Reason, string? Told);

    private void HandOver(Message message, FrameSocket socket)
    {
        socket.OnClosed(() => Interlocked.Decrement(ref _open));
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

    private void TurnAway(IPAddress address, RejectionKind kind, string reason) =>
        _handler.Rejected(new Rejection(address.ToString(), kind, reason.TrimEnd('.')));
}
