using System.Net;
using System.Net.Sockets;

namespace Distributed.Coordinator;

/// <summary>
/// A proxy on loopback between workers and a coordinator, which forwards bytes until it is told to cut: then it passes
/// on half of what comes next on every connection and closes them, so that a frame ends in its middle.
/// </summary>
internal sealed class BreakingProxy : IDisposable
{
    private const int PieceBytes = 4096;

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly IPEndPoint _target;
    private readonly List<Connection> _connections = [];

    /// <summary>Starts forwarding to an address.</summary>
    public BreakingProxy(IPEndPoint target)
    {
        _target = target;
        _listener.Start();
        _ = AcceptAsync();
    }

    /// <summary>Where workers join.</summary>
    public IPEndPoint EndPoint => (IPEndPoint)_listener.LocalEndpoint;

    /// <summary>Cuts every connection in the middle of what comes next; returns how many there are.</summary>
    public int Cut()
    {
        lock (_connections)
        {
            _connections.RemoveAll(connection => connection.HasEnded);
            foreach (Connection connection in _connections) connection.IsToBeCut = true;
            return _connections.Count;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _listener.Dispose();
        lock (_connections)
        {
            foreach (Connection connection in _connections) connection.Close();
        }
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true) Forward(await _listener.AcceptSocketAsync().ConfigureAwait(false));
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException)
        {
            // It was disposed.
        }
    }

    private void Forward(Socket worker)
    {
        Socket coordinator = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        Connection connection = new(worker, coordinator);
        try
        {
            coordinator.Connect(_target);
        }
        catch (SocketException)
        {
            connection.Close(); // no coordinator is there at the moment
            return;
        }

        worker.NoDelay = coordinator.NoDelay = true;
        lock (_connections) _connections.Add(connection);
        _ = PumpAsync(connection, worker, coordinator);
        _ = PumpAsync(connection, coordinator, worker);
    }

    private static async Task PumpAsync(Connection connection, Socket from, Socket to)
    {
        byte[] piece = new byte[PieceBytes];
        try
        {
            int count;
            while ((count = await from.ReceiveAsync(piece).ConfigureAwait(false)) > 0)
            {
                bool isCut = connection.IsToBeCut;
                Memory<byte> passed = piece.AsMemory(0, isCut ? count / 2 : count);
                while (passed.Length > 0) passed = passed[await to.SendAsync(passed).ConfigureAwait(false)..];
                if (isCut) break;
            }
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException)
        {
            // One of the two has gone.
        }

        connection.Close();
    }

    private sealed class Connection(Socket worker, Socket coordinator)
    {
        private volatile bool _toBeCut;
        private volatile bool _ended;

        public bool IsToBeCut
        {
            get => _toBeCut;
            set => _toBeCut = value;
        }

        public bool HasEnded => _ended;

        public void Close()
        {
            _ended = true;
            worker.Dispose();
            coordinator.Dispose();
        }
    }
}
