using System.Net;
using System.Net.Sockets;

namespace Distributed.Runtime;

/// <summary>Opens ports.</summary>
internal static class ListeningSocket
{
    /// <summary>A socket that listens, and whose accepted sockets send as links do.</summary>
    /// <param name="endPoint">An address of this machine; port 0 takes any free one.</param>
    /// <param name="backlog">Connections that may wait to be accepted.</param>
    /// <exception cref="LinkException">The port can't be had.</exception>
    public static Socket Open(IPEndPoint endPoint, int backlog)
    {
        Socket socket = new(endPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.Bind(endPoint);
            FrameSocket.Configure(socket);
            socket.Listen(backlog);
            return socket;
        }
        catch (SocketException exception)
        {
            socket.Dispose();
            throw new LinkException(exception.SocketErrorCode switch
            {
                SocketError.AddressAlreadyInUse =>
                    $"Port {endPoint.Port} on {endPoint.Address} is in use; choose another, or 0 for any free one.",
                SocketError.AccessDenied => $"Not allowed to listen on port {endPoint.Port}; choose one above 1023.",
                SocketError.AddressNotAvailable => $"{endPoint.Address} is no address of this machine.",
                _ => $"Can't listen on {endPoint}: {exception.Message}.",
            });
        }
    }
}
