using System.Net;
using System.Net.Sockets;

namespace Distributed.Cluster;

/// <summary>Ports of loopback.</summary>
internal static class FreePort
{
    /// <summary>One that was free a moment ago, and the next one too.</summary>
    public static int Find()
    {
        while (true)
        {
            using TcpListener listener = Take();
            int port = ((IPEndPoint)listener.LocalEndpoint).Port;
            try
            {
                using TcpListener next = new(IPAddress.Loopback, port + 1);
                next.Start();
                return port;
            }
            catch (SocketException)
            {
                // Another pair is tried.
            }
        }
    }

    /// <summary>One that is taken until the listener is disposed.</summary>
    public static TcpListener Take()
    {
        TcpListener listener = new(IPAddress.Loopback, 0);
        listener.Start();
        return listener;
    }
}
