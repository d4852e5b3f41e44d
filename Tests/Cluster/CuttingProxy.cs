using System.Net;
using System.Net.Sockets;

namespace Distributed.Cluster;

/// <summary>
/// Stands between workers and a coordinator on loopback. Once, what the coordinator sends over one connection goes no
/// further after so many bytes.
/// </summary>
internal sealed class CuttingProxy : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly int _coordinatorPort;
    private readonly int _bytes;
    private readonly bool _cuts;
    private readonly TaskCompletionSource _released = new();
    private int _done;

    /// <param name="coordinatorPort">The coordinator's port.</param>
    /// <param name="bytes">After so many bytes.</param>
    /// <param name="cuts">Whether the connection is cut then, or else stands still.</param>
    public CuttingProxy(int coordinatorPort, int bytes, bool cuts)
    {
        (_coordinatorPort, _bytes, _cuts) = (coordinatorPort, bytes, cuts);
        _listener.Start();
        _ = AcceptAsync();
    }

    public string Address => $"{_listener.LocalEndpoint}";

    /// <summary>Whether that has happened.</summary>
    public bool IsDone => Volatile.Read(ref _done) != 0;

    /// <summary>Cuts the connection that stands still.</summary>
    public void Release() => _released.TrySetResult();

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
        using TcpClient near = worker, far = new();
        await far.ConnectAsync(IPAddress.Loopback, _coordinatorPort);
        await Task.WhenAny(PassAsync(near, far, mayStop: false), PassAsync(far, near, mayStop: true));
    }

    private async Task PassAsync(TcpClient from, TcpClient to, bool mayStop)
    {
        byte[] piece = new byte[1 << 16];
        int passed = 0;
        try
        {
            while (await from.GetStream().ReadAsync(piece) is var length and > 0)
            {
                await to.GetStream().WriteAsync(piece.AsMemory(0, length));
                passed += length;
                if (!mayStop || passed < _bytes || Interlocked.Exchange(ref _done, 1) != 0) continue;
                if (!_cuts) await _released.Task;
                return;
            }
        }
        catch (Exception error) when (error is IOException or ObjectDisposedException)
        {
            // Cut, as the other direction is then.
        }
    }
}
