using System.Net;
using System.Net.Sockets;
using Distributed.Protocol;

namespace Distributed.Runtime;

/// <summary>A worker's way to the coordinator.</summary>
public static class Connector
{
    /// <summary>Opens the control connection and waits to be let in; then call <see cref="IControlLink.Start"/> with
    /// the welcome.</summary>
    /// <param name="endPoint">The coordinator's address.</param>
    /// <param name="hello">Who asks.</param>
    /// <param name="limits">Null for the defaults.</param>
    /// <param name="security">Null: on loopback only.</param>
    /// <exception cref="LinkException">Nobody listens there, or it said no, or nothing in time.</exception>
    public static (ControlLink Link, Welcome Welcome) Join(
        IPEndPoint endPoint, Hello hello, ProtocolLimits? limits = null, LinkSecurity? security = null)
    {
        limits ??= ProtocolLimits.Default;
        FrameSocket socket = Connect(endPoint, limits, security);
        string proof = Prove(hello.Token, socket, endPoint, limits);
        Welcome welcome = Ask<Welcome>(socket, endPoint, hello with { Token = proof }, limits);
        return (new ControlLink(socket, limits, isCoordinator: false), welcome);
    }

    /// <summary>Opens the data link of a worker that was welcomed, through shared memory where the coordinator offers
    /// some and it is found here, else over the connection; then call <see cref="IWorkerLink.Start"/>.</summary>
    /// <param name="endPoint">The coordinator's address.</param>
    /// <param name="hello">Who asks.</param>
    /// <param name="lengths">The run's tensors.</param>
    /// <param name="pool">Where its messages come from.</param>
    /// <param name="limits">Null for the defaults.</param>
    /// <param name="security">Null: on loopback only.</param>
    /// <exception cref="LinkException">Nobody listens there, or it said no, or nothing in time.</exception>
    public static IWorkerLink OpenData(
        IPEndPoint endPoint, DataHello hello, TensorLengths lengths, MessagePool pool, ProtocolLimits? limits = null,
        LinkSecurity? security = null)
    {
        limits ??= ProtocolLimits.Default;
        FrameSocket socket = Connect(endPoint, limits, security);
        string proof = Prove(hello.Token, socket, endPoint, limits);
        Message answer = Ask<Message>(socket, endPoint, hello with { Token = proof }, limits);
        if (answer is SharedMemoryOffer offer)
        {
            if (SharedWorkerLink.TryOpen(socket, limits, offer, hello.Fence, lengths, pool) is { } shared)
            {
                Handshake.Send(socket, new SharedMemoryAnswer(true));
                return shared;
            }

            answer = Ask<DataReady>(socket, endPoint, new SharedMemoryAnswer(false), limits);
        }

        if (answer is not DataReady)
            throw Stranger(socket, endPoint);
        return new SocketWorkerLink(
            new DataLink<GradientHeader, ParametersHeader>(socket, limits), hello.Fence, lengths);
    }

    /// <summary>Asks for the run's data set over a connection of its own, and waits until the coordinator has loaded
    /// it.</summary>
    /// <param name="endPoint">The coordinator's address.</param>
    /// <param name="hello">Who asks, and from where on the samples are to come.</param>
    /// <param name="limits">Null for the defaults.</param>
    /// <param name="security">Null: on loopback only.</param>
    /// <param name="isOver">Whether to wait no longer, asked every now and then; null: never.</param>
    /// <exception cref="LinkException">Nobody listens there, or it said no, or nothing in time.</exception>
    public static SamplesReceiver OpenSamples(
        IPEndPoint endPoint, SamplesHello hello, ProtocolLimits? limits = null, LinkSecurity? security = null,
        Func<bool>? isOver = null)
    {
        limits ??= ProtocolLimits.Default;
        FrameSocket socket = Connect(endPoint, limits, security);
        string proof = Prove(hello.Token, socket, endPoint, limits);
        Message? answer = Ask<Message>(socket, endPoint, hello with { Token = proof }, limits);
        while (answer is SamplesPending && isOver?.Invoke() != true)
            answer = Handshake.Read(socket, limits, limits.MaxHeaderBytes, limits.AnswerMilliseconds);
        if (answer is SamplesOffer offer)
            return new SamplesReceiver(socket, limits, offer, hello.From);
        socket.Dispose();
        throw answer switch
        {
            Refused refused => new LinkException(refused.Reason, refused: true),
            null or SamplesPending => new LinkException(
                $"The coordinator at {endPoint} did not offer its data set: {socket.End?.Reason}."),
            _ => Stranger(socket, endPoint),
        };
    }

    /// <summary>The same for a data connection that never uses shared memory.</summary>
    internal static DataLink<GradientHeader, ParametersHeader> OpenSocket(
        IPEndPoint endPoint, DataHello hello, ProtocolLimits? limits = null, LinkSecurity? security = null)
    {
        limits ??= ProtocolLimits.Default;
        FrameSocket socket = Connect(endPoint, limits, security);
        string proof = Prove(hello.Token, socket, endPoint, limits);
        Ask<DataReady>(socket, endPoint, hello with { Token = proof }, limits);
        return new DataLink<GradientHeader, ParametersHeader>(socket, limits);
    }

    private static FrameSocket Connect(IPEndPoint endPoint, ProtocolLimits limits, LinkSecurity? security)
    {
        security ??= LinkSecurity.LoopbackOnly;
        security.Require(endPoint);
        FrameSocket socket = Connect(endPoint, limits);
        if (security.Secure(socket, limits.HandshakeMilliseconds))
            return socket;
        throw new LinkException(
            $"The coordinator at {endPoint} can't be trusted, or does not trust this host: {socket.End?.Reason}.");
    }

    private static FrameSocket Connect(IPEndPoint endPoint, ProtocolLimits limits)
    {
        Socket socket = new(endPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        bool isLate = false;
        try
        {
            using Timer deadline = new(
                _ =>
                {
                    Volatile.Write(ref isLate, true);
                    socket.Dispose();
                },
                null, limits.HandshakeMilliseconds, Timeout.Infinite);
            FrameSocket.Configure(socket);
            socket.Connect(endPoint);
            return new FrameSocket(socket);
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            socket.Dispose();
            throw new LinkException(exception is SocketException { SocketErrorCode: SocketError.ConnectionRefused }
                ? $"No coordinator listens at {endPoint}."
                : Volatile.Read(ref isLate)
                    ? $"The coordinator at {endPoint} took no connection within {limits.HandshakeMilliseconds} ms."
                    : $"Can't connect to the coordinator at {endPoint}: {exception.Message}");
        }
    }

    /// <summary>Knocks and waits for the challenge; what it is to be shown instead of the token.</summary>
    private static string Prove(string token, FrameSocket socket, IPEndPoint endPoint, ProtocolLimits limits)
    {
        socket.SendTimeout = limits.HandshakeMilliseconds;
        Handshake.Send(socket, new Knock());
        Challenge challenge = Await<Challenge>(
            socket, endPoint, limits, limits.MaxHandshakeBytes, limits.HandshakeMilliseconds, isFirst: true);
        return RunToken.Prove(token, challenge.Nonce);
    }

    private static TAnswer Ask<TAnswer>(
        FrameSocket socket, IPEndPoint endPoint, Message question, ProtocolLimits limits)
        where TAnswer : Message
    {
        socket.SendTimeout = limits.HandshakeMilliseconds;
        Handshake.Send(socket, question);
        return Await<TAnswer>(socket, endPoint, limits, limits.MaxHeaderBytes, limits.AnswerMilliseconds);
    }

    private static TAnswer Await<TAnswer>(
        FrameSocket socket, IPEndPoint endPoint, ProtocolLimits limits, int maxBytes, int milliseconds,
        bool isFirst = false)
        where TAnswer : Message
    {
        switch (Handshake.Read(socket, limits, maxBytes, milliseconds))
        {
            case Refused refused:
                socket.Dispose();
                throw new LinkException(refused.Reason, refused: true);
            case TAnswer answer:
                return answer;
            case null:
                throw new LinkException($"The coordinator at {endPoint} did not answer: {socket.End?.Reason}"
                    + (isFirst || socket.End?.Kind == LinkEndKind.ClosedByPeer ? Advice(socket) : "."));
            default:
                throw Stranger(socket, endPoint);
        }
    }

    private static string Advice(FrameSocket socket) => socket.IsSecure
        ? "; it says why in its log, if it doesn't accept this host's certificate."
        : "; if it wants TLS, give --certificates FOLDER.";

    private static LinkException Stranger(FrameSocket socket, IPEndPoint endPoint)
    {
        socket.Dispose();
        return new LinkException($"What listens at {endPoint} is not a coordinator of this version.");
    }
}
