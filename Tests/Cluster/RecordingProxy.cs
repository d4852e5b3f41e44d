using System.Net;
using System.Net.Sockets;

namespace Distributed.Cluster;

/// <summary>Stands between a worker and a coordinator on loopback, and keeps what the worker sends first over each
/// connection.</summary>
internal sealed class RecordingProxy : IDisposable
{
    private const int MostBytes = 64 << 10;

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly List<MemoryStream> _recorded = [];
    private readonly int _coordinatorPort;

    public RecordingProxy(int coordinatorPort)
    {
        _coordinatorPort = coordinatorPort;
        _listener.Start();
        _ = AcceptAsync();
    }

    public string Address => $"{_listener.LocalEndpoint}";

    /// <summary>What came so far, of each connection.</summary>
    public IReadOnlyList<byte[]> Recorded
    {
        get
        {
            lock (_recorded) return [.. _recorded.Select(bytes => bytes.ToArray())];
        }
    }

    public void Dispose() => _listener.Dispose();

    private async Task AcceptAsync()
    {
        while (true)
        {
            try
            {
                _ = CarryAsync(await _listener.AcceptTcpClientAsync());
            }
            catch (Exception error) when (error is SocketException or ObjectDisposedException)
            {
                return;
            }
        }
    }

    private async Task CarryAsync(TcpClient worker)
    {
        MemoryStream recorded = new();
        lock (_recorded) _recorded.Add(recorded);
        using TcpClient near = worker, far = new();
        await far.ConnectAsync(IPAddress.Loopback, _coordinatorPort);
        await Task.WhenAny(PassAsync(near, far, recorded), PassAsync(far, near, null));
    }

    private async Task PassAsync(TcpClient from, TcpClient to, MemoryStream? recorded)
    {
        byte[] piece = new byte[1 << 16];
        try
        {
            while (await from.GetStream().ReadAsync(piece) is var length and > 0)
            {
                lock (_recorded)
                {
                    if (recorded?.Length < MostBytes) recorded.Write(piece, 0, length);
                }

                await to.GetStream().WriteAsync(piece.AsMemory(0, length));
            }
        }
        catch (Exception error) when (error is IOException or ObjectDisposedException)
        {
            // One end is gone, as the other is then.
        }
    }
}
