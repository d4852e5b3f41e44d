using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using Xunit;

namespace Distributed.Data.Tests;

/// <summary>Downloads from mirrors on this machine's loopback, good and bad.</summary>
public sealed class DownloaderTests : IDisposable
{
    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void DownloadsIntoTheCacheOnceAndShowsProgress()
    {
        Dictionary<string, byte[]> content = SmallCompressed();
        using Mirror mirror = new(Serve(content));
        List<string> progress = [];
        Mnist mnist = Mnist.Digits.With(Files(content), [mirror.Address]);
        DatasetOptions options = TestData.Options(null, _folder.Path) with { Progress = progress.Add };

        Dataset dataset = mnist.Load(options);
        Dataset again = mnist.Load(options);

        Assert.Equal([7, 0, 9], Enumerable.Range(0, 3).Select(dataset.Train.Label));
        Assert.Equal(dataset.Sha256, again.Sha256);
        Assert.Equal(4, mirror.Requests);
        Assert.Equal(content.Keys.Order(), Directory.GetFiles(_folder.File("mnist")).Select(Path.GetFileName).Order());
        Assert.Contains("mnist: downloading train-images-idx3-ubyte.gz from 127.0.0.1, 100% of 0.0 MB", progress);
    }

    [Fact]
    public void FetchesOnlyWhatTheCacheLacks()
    {
        Dictionary<string, byte[]> content = SmallCompressed();
        foreach (string name in content.Keys.Skip(1))
        {
            _folder.Write(Path.Combine("mnist", name), content[name]);
        }

        using Mirror mirror = new(Serve(content));
        Mnist.Digits.With(Files(content), [mirror.Address]).Load(TestData.Options(null, _folder.Path));
        Assert.Equal(1, mirror.Requests);
    }

    [Fact]
    public void GoesOnToTheNextMirrorWhenOneIsBad()
    {
        Dictionary<string, byte[]> content = SmallCompressed();
        using Mirror missing = new(_ => NotFound());
        using Mirror wrong = new(name =>
            [.. Serve(content)(name).Select(value => (byte)(value ^ (value > 127 ? 1 : 0)))]);
        using Mirror cut = new(name => Serve(content)(name)[..^5]);
        using Mirror good = new(Serve(content));
        Mnist mnist = Mnist.Digits.With(
            Files(content), [missing.Address, wrong.Address, cut.Address, good.Address]);

        Assert.Equal(3, mnist.Load(TestData.Options(null, _folder.Path)).Train.Count);
        Assert.Equal((4, 4, 4, 4), (missing.Requests, wrong.Requests, cut.Requests, good.Requests));
    }

    [Fact]
    public void SaysWhatEachMirrorDidWrongAndLeavesNothing()
    {
        MirroredFile file = new("file.gz", 10, new string('0', 64));
        using Mirror missing = new(_ => NotFound());
        using Mirror wrong = new(_ => Answer(new byte[10]));
        using Mirror large = new(_ => Answer(new byte[11]));
        string refused = Refused();
        string[] mirrors = [missing.Address, wrong.Address, large.Address, refused];

        string message = Assert.Throws<DataException>(
            () => new Downloader("mnist", mirrors, null).Fetch([file], _folder.Path)).Message;

        string[] hosts = [.. mirrors.Select(mirror => new Uri(mirror).Authority)];
        Assert.StartsWith($"mnist can't be downloaded ({hosts[0]}: answered 404; {hosts[1]}: sent 10 bytes of " +
            $"file.gz that don't have the expected SHA-256; {hosts[2]}: sent more than the 10 bytes of file.gz; " +
            $"{hosts[3]}: ", message, StringComparison.Ordinal);
        Assert.EndsWith("); without a network, get file.gz and its siblings another way and name their folder with " +
            "--data-dir.", message, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(_folder.Path));
    }

    [Fact]
    public void GivesUpAMirrorThatFallsSilent()
    {
        using Mirror silent = new(_ => "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"u8.ToArray(), keepOpen: true);
        Downloader downloader = new("mnist", [silent.Address], null) { Patience = TimeSpan.FromSeconds(0.25) };
        string message = Assert.Throws<DataException>(
            () => downloader.Fetch([new("file.gz", 10, "")], _folder.Path)).Message;
        Assert.Contains(": sent nothing for 0.25 s)", message, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(_folder.Path));
    }

    [Fact]
    public void SaysThatTheCacheCannotBeWritten()
    {
        string path = _folder.Write("file", 1);
        Downloader downloader = new("mnist", [Refused()], null);
        string message = Assert.Throws<DataException>(
            () => downloader.Fetch([new("file.gz", 10, "")], Path.Combine(path, "in"))).Message;
        Assert.Contains("downloaded files can't be written here", message, StringComparison.Ordinal);
    }

    private static Dictionary<string, byte[]> SmallCompressed() =>
        TestData.SmallMnist().ToDictionary(file => file.Key + ".gz", file => TestData.Gzip(file.Value));

    private static MirroredFile[] Files(Dictionary<string, byte[]> content) =>
        [.. content.Select(file => new MirroredFile(
            file.Key, file.Value.Length, Convert.ToHexStringLower(SHA256.HashData(file.Value))))];

    private static Func<string, byte[]> Serve(Dictionary<string, byte[]> content) => name => Answer(content[name]);

    private static byte[] Answer(byte[] body) => [.. Head("200 OK", body.Length), .. body];

    private static byte[] NotFound() => Head("404 Not Found", 0);

    private static byte[] Head(string status, int length) => Encoding.ASCII.GetBytes(
        $"HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");

    /// <summary>An address at which nobody listens.</summary>
    private static string Refused()
    {
        using TcpListener listener = new(IPAddress.Loopback, 0);
        listener.Start();
        return $"http://{listener.LocalEndpoint}/";
    }

    /// <summary>Answers each request for a file with the given bytes, then closes the connection.</summary>
    private sealed class Mirror : IDisposable
    {
        private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
        private readonly List<Socket> _open = [];
        private readonly Thread _thread;
        private int _requests;

        public Mirror(Func<string, byte[]> answer, bool keepOpen = false)
        {
            _listener.Start();
            Address = $"http://{_listener.LocalEndpoint}/";
            _thread = new Thread(() => Serve(answer, keepOpen));
            _thread.Start();
        }

        public string Address { get; }

        public int Requests => Volatile.Read(ref _requests);

        public void Dispose()
        {
            _listener.Stop();
            _thread.Join();
            _open.ForEach(socket => socket.Dispose());
        }

        private void Serve(Func<string, byte[]> answer, bool keepOpen)
        {
            try
            {
                while (true)
                {
                    Socket socket = _listener.AcceptSocket();
                    _open.Add(socket);
                    Interlocked.Increment(ref _requests);
                    byte[] buffer = new byte[4096];
                    StringBuilder request = new();
                    while (!request.ToString().Contains("\r\n\r\n", StringComparison.Ordinal))
                    {
                        request.Append(Encoding.ASCII.GetString(buffer, 0, socket.Receive(buffer)));
                    }

                    socket.Send(answer(request.ToString().Split(' ')[1].TrimStart('/')));
                    if (!keepOpen)
                    {
                        socket.Shutdown(SocketShutdown.Both);
                    }
                }
            }
            catch (Exception error) when (error is SocketException or InvalidOperationException)
            {
                // Dispose stopped the listener: within an accept, or between two.
            }
        }
    }
}
