using System.Net;
using System.Net.Sockets;
using Distributed.Protocol;

namespace Distributed.Runtime;

/// <summary>A worker's way to the coordinator.</summary>
public static class Connector
{
    /// <summary>Opens the control connection and waits to be let in; then call <see cref="ControlLink.Start"/> with the
    /// welcome.</summary>
    /// <param name="endPoint">The coordinator's address, on loopback.</param>
    /// <param name="hello">Who asks.</param>
    /// <param name="limits">Null for the defaults.</param>
    /// <exception cref="LinkException">Nobody listens there, or it said no, or nothing in time.</exception>
    public static (ControlLink Link, Welcome Welcome) Join(
        IPEndPoint endPoint, Hello hello, ProtocolLimits? limits = null)
    {
        limits ??= ProtocolLimits.Default;
        FrameSocket socket = Connect(endPoint, limits);
        Welcome welcome = Ask<Welcome>(socket, endPoint, hello, limits);
        return (new ControlLink(socket, limits, isCoordinator: false), welcome);
    }

    /// <summary>Opens the data connection of a worker that was welcomed; then call
    /// <see cref="DataLink{TOut, TIn}.Start"/>.</summary>
    /// <param name="endPoint">The coordinator's address, on loopback.</param>
    /// <param name="hello">Who asks.</param>
    /// <param name="limits">Null for the defaults.</param>
    /// <exception cref="LinkException">Nobody listens there, or it said no, or nothing in time.</exception>
    public static DataLink<GradientHeader, ParametersHeader> OpenData(
        IPEndPoint endPoint, DataHello hello, ProtocolLimits? limits = null)
    {
        limits ??= ProtocolLimits.Default;
        FrameSocket socket = Connect(endPoint, limits);
        Ask<DataReady>(socket, endPoint, hello, limits);
        return new DataLink<GradientHeader, ParametersHeader>(socket, limits);
    }

    private static FrameSocket Connect(IPEndPoint endPoint, ProtocolLimits limits)
    {
        Loopback.Require(endPoint);
        Socket socket = new(endPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            using Timer deadline = new(
                state => ((Socket)state!).Dispose(), socket, limits.HandshakeMilliseconds, Timeout.Infinite);
            FrameSocket.Configure(socket);
            socket.Connect(endPoint);
            return new FrameSocket(socket);
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            socket.Dispose();
            throw new LinkException(exception is SocketException { SocketErrorCode: SocketError.ConnectionRefused }
                ? $"No coordinator listens at {endPoint}."
                : $"Can't connect to the coordinator at {endPoint}: {exception.Message}");
        }
    }

    private static TAnswer Ask<TAnswer>(
        FrameSocket socket, IPEndPoint endPoint, Message question, ProtocolLimits limits)
        where TAnswer : Message
    {
        socket.SendTimeout = limits.HandshakeMilliseconds;
        Handshake.Send(socket, question);
        switch (Handshake.Read(socket, limits, limits.MaxHeaderBytes, limits.AnswerMilliseconds))
        {
            case TAnswer answer:
                return answer;
            case Refused refused:
                socket.Dispose();
                throw new LinkException(refused.Reason, refused: true);
            case null:
                throw new LinkException($"The coordinator at {endPoint} did not answer: {socket.End?.Reason}.");
            default:
                socket.Dispose();
                throw new LinkException($"What listens at {endPoint} is not a coordinator of this version.");
        }
    }
}
