using System.Net;
using System.Net.Sockets;

namespace Distributed.Cluster;

/// <summary>Ports of loopback.</summary>
internal static class FreePort
{
    /// <summary>One that was free a moment ago.</summary>
    public static int Find()
    {
        using TcpListener listener = Take();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    /// <summary>One that is taken until the listener is disposed.</summary>
    public static TcpListener Take()
    {
        TcpListener listener = new(IPAddress.Loopback, 0);
        listener.Start();
        return listener;
    }
}
