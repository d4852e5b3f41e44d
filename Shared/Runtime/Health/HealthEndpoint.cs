using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Distributed.Runtime;

/// <summary>
/// Answers <c>GET /live</c> and <c>GET /ready</c> over HTTP/1.1 with 200 or 503 and a short JSON object. One thread
/// answers one request at a time and closes the connection; whoever sends too much, too slowly or no HTTP is cut off.
/// It tells nothing secret, so it may listen beyond loopback without TLS.
/// </summary>
public sealed class HealthEndpoint : IDisposable
{
    /// <summary>A request whose head is longer is refused.</summary>
    public const int MaxRequestBytes = 4096;

    /// <summary>A request must be read, and its answer sent, in so many milliseconds each.</summary>
    public const int RequestMilliseconds = 1000;

    private const int Backlog = 16;
    private const int AcceptPauseMilliseconds = 50;

    private readonly Socket _socket;
    private readonly HealthStatus _status;
    private readonly ManualResetEventSlim _closed = new();
    private readonly byte[] _request = new byte[MaxRequestBytes];

    private HealthEndpoint(Socket socket, HealthStatus status)
    {
        _socket = socket;
        _status = status;
        EndPoint = (IPEndPoint)socket.LocalEndPoint!;
    }

    /// <summary>Where it listens, with the port that was chosen.</summary>
    public IPEndPoint EndPoint { get; }

    /// <summary>Opens the port and answers from then on.</summary>
    /// <param name="address">An address of this machine; port 0 takes any free one.</param>
    /// <param name="status">What to tell.</param>
    /// <exception cref="LinkException">The port can't be had.</exception>
    public static HealthEndpoint Open(HostAddress address, HealthStatus status)
    {
        HealthEndpoint endpoint;
        try
        {
            endpoint = new HealthEndpoint(ListeningSocket.Open(address.EndPoint, Backlog), status);
        }
        catch (LinkException mistake)
        {
            throw new LinkException($"--health: {mistake.Message}");
        }

        LinkThread.Start($"health {endpoint.EndPoint}", endpoint.Serve);
        return endpoint;
    }

    /// <summary>A sentence for a person: where to ask.</summary>
    public override string ToString() => $"Health is told at http://{EndPoint}/live and /ready.";

    /// <summary>Answers no more.</summary>
    public void Dispose()
    {
        _closed.Set();
        _socket.Dispose();
    }

    private void Serve()
    {
        while (!_closed.IsSet)
        {
            try
            {
                using Socket client = _socket.Accept();
                Answer(client);
            }
            catch (ObjectDisposedException)
            {
                return;
            }
            catch (SocketException)
            {
                // The client is gone or too slow, or the process is out of handles; the next one may succeed.
                _closed.Wait(AcceptPauseMilliseconds);
            }
        }
    }

    private void Answer(Socket client)
    {
        if (ReadHead(client) is not { } length) return;
        byte[] reply = Reply(_request.AsSpan(0, length)).ToBytes();
        client.SendTimeout = RequestMilliseconds;
        client.Send(reply);
        client.Shutdown(SocketShutdown.Both);
    }

    /// <summary>Reads up to the end of the request's head, or as much as is allowed; null: it did not come whole.
    /// </summary>
    private int? ReadHead(Socket client)
    {
        long begun = Stopwatch.GetTimestamp();
        int length = 0;
        while (length < MaxRequestBytes && _request.AsSpan(0, length).IndexOf("\r\n\r\n"u8) < 0)
        {
            int left = RequestMilliseconds - (int)Stopwatch.GetElapsedTime(begun).TotalMilliseconds;
            if (left <= 0) return null;
            client.ReceiveTimeout = left;
            int read = client.Receive(_request.AsSpan(length));
            if (read == 0) return null;
            length += read;
        }

        return length;
    }

    private HttpReply Reply(ReadOnlySpan<byte> request)
    {
        int end = request.IndexOf("\r\n\r\n"u8);
        if (end < 0) return HttpReply.Error(431, $"a request has at most {MaxRequestBytes} bytes");
        string line = Encoding.ASCII.GetString(request[..request.IndexOf("\r\n"u8)]);
        if (line.Split(' ') is not [{ Length: > 0 } method, ['/', ..] target, "HTTP/1.0" or "HTTP/1.1"])
            return HttpReply.Error(400, "this is no HTTP/1.1 request");
        string path = target.Split('?')[0];
        if (path is not ("/live" or "/ready")) return HttpReply.Error(404, "there are /live and /ready");
        if (method != "GET") return HttpReply.Error(405, "only GET is answered");
        return path == "/live" ? HttpReply.Live(_status.StalledActors) : HttpReply.Ready(_status.WaitsFor);
    }
}
