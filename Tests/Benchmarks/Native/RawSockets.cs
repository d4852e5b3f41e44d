using System.Net;
using System.Runtime.InteropServices;

namespace Distributed.Benchmarks.Native;

/// <summary>Linux's own calls for TCP over IPv4 loopback: an attacker's, who spends as little on a connection as
/// can be. None of them waits.</summary>
internal static partial class RawSockets
{
    private const int InterNetwork = 2;
    private const int Stream = 1;
    private const int NonBlocking = 0x800;
    private const int NoSignal = 0x4000;

    /// <summary>Begins to connect; -1 where there is no handle left.</summary>
    public static int Connect(int port)
    {
        int socket = OpenSocket(InterNetwork, Stream | NonBlocking, 0);
        if (socket < 0) return -1;
        Address address = new()
        {
            Family = InterNetwork,
            Port = (ushort)IPAddress.HostToNetworkOrder((short)port),
            Host = (uint)IPAddress.HostToNetworkOrder(0x7f000001),
        };
        _ = ConnectSocket(socket, address, 16); // in progress
        return socket;
    }

    /// <summary>Sends; false where the other end has closed, or is not there yet.</summary>
    public static bool Send(int socket, ReadOnlySpan<byte> bytes) =>
        SendBytes(socket, bytes, (nuint)bytes.Length, NoSignal) == bytes.Length;

    /// <summary>Closes.</summary>
    public static void Close(int socket) => _ = CloseHandle(socket);

    [StructLayout(LayoutKind.Sequential)]
    private struct Address
    {
        public ushort Family;
        public ushort Port;
        public uint Host;
        public ulong Zero;
    }

    [LibraryImport("libc", EntryPoint = "socket")]
    private static partial int OpenSocket(int family, int kind, int protocol);

    [LibraryImport("libc", EntryPoint = "connect")]
    private static partial int ConnectSocket(int socket, in Address address, int length);

    [LibraryImport("libc", EntryPoint = "send")]
    private static partial nint SendBytes(int socket, ReadOnlySpan<byte> bytes, nuint length, int flags);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int CloseHandle(int socket);
}
