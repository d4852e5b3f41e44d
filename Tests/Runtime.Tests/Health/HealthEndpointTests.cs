using System.Net.Sockets;
using System.Text;
using Xunit;

namespace Distributed.Runtime.Tests;

public sealed class HealthEndpointTests : IDisposable
{
    private static readonly HostAddress AnyPort = HostAddress.Parse("127.0.0.1:0", "--health");

    private readonly FakeTime _time = new();
    private readonly HealthStatus _status;
    private readonly HealthEndpoint _endpoint;
    private readonly HttpClient _http;

    public HealthEndpointTests()
    {
        _status = new HealthStatus("its \"data\"", _time);
        _endpoint = HealthEndpoint.Open(AnyPort, _status);
        _http = new HttpClient { BaseAddress = new Uri($"http://{_endpoint.EndPoint}"), Timeout = Wait.Deadline };
    }

    public void Dispose()
    {
        _http.Dispose();
        _endpoint.Dispose();
    }

    [Fact]
    public async Task Ready_says_what_it_waits_for_until_it_waits_for_nothing()
    {
        await Expect("/ready", 503, "{\"status\":\"waiting\",\"waitsFor\":\"its \\u0022data\\u0022\"}");
        await Expect("/live", 200, "{\"status\":\"live\"}");
        _status.WaitsFor = null;
        await Expect("/ready", 200, "{\"status\":\"ready\"}");
        _status.WaitsFor = "a coordinator";
        await Expect("/ready", 503, "{\"status\":\"waiting\",\"waitsFor\":\"a coordinator\"}");
    }

    [Fact]
    public async Task A_stalled_actor_is_named_until_it_goes_on()
    {
        using ManualResetEventSlim entered = new(), goOn = new();
        IEngine engine = _status.Watch(LocalEngine.Instance);
        IActor<int> stuck = engine.Start<int>("server", _ => Block(entered, goOn), _ => { });
        IActor<int> idle = engine.Start<int>("coordinator", _ => { }, _ => { });
        idle.Post(0);
        _time.Advance(2 * HealthStatus.StallLimit);
        Task posting = Task.Run(() => stuck.Post(0));
        Assert.True(entered.Wait(Wait.Deadline));
        _time.Advance(HealthStatus.StallLimit);
        await Expect("/live", 200, "{\"status\":\"live\"}");
        _time.Advance(TimeSpan.FromMilliseconds(1));
        await Expect("/live", 503, "{\"status\":\"stalled\",\"actors\":[\"server\"]}");
        goOn.Set();
        await posting.WaitAsync(Wait.Deadline);
        await Expect("/live", 200, "{\"status\":\"live\"}");
    }

    [Theory]
    [InlineData("GET /live?verbose=1 HTTP/1.1\r\nHost: here\r\n\r\n", "HTTP/1.1 200 ")]
    [InlineData("GET /ready HTTP/1.0\r\n\r\n", "HTTP/1.1 503 ")]
    [InlineData("GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 404 ")]
    [InlineData("GET /live/ HTTP/1.1\r\n\r\n", "HTTP/1.1 404 ")]
    [InlineData("POST /metrics HTTP/1.1\r\n\r\n", "HTTP/1.1 404 ")]
    [InlineData("POST /live HTTP/1.1\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 405 ")]
    [InlineData("HEAD /ready HTTP/1.1\r\n\r\n", "HTTP/1.1 405 ")]
    [InlineData("GET http://elsewhere/live HTTP/1.1\r\n\r\n", "HTTP/1.1 400 ")]
    [InlineData("GET /live HTTP/2\r\n\r\n", "HTTP/1.1 400 ")]
    [InlineData(" /live HTTP/1.1\r\n\r\n", "HTTP/1.1 400 ")]
    [InlineData("\r\n\r\n", "HTTP/1.1 400 ")]
    [InlineData("\0\u0001\u0002 rubbish\r\n\r\n", "HTTP/1.1 400 ")]
    public void Only_GET_of_the_two_paths_is_answered(string request, string expected)
    {
        using Socket client = Connect();
        client.Send(Encoding.Latin1.GetBytes(request));
        string reply = ReadToEnd(client);
        Assert.StartsWith(expected, reply);
        Assert.Contains("\r\nConnection: close\r\n", reply);
        Assert.Equal(expected.Contains("405"), reply.Contains("\r\nAllow: GET\r\n"));
    }

    [Fact]
    public void A_request_that_is_too_long_is_refused_and_the_next_is_answered()
    {
        using (Socket client = Connect())
        {
            client.Send(new byte[HealthEndpoint.MaxRequestBytes]);
            Assert.StartsWith("HTTP/1.1 431 ", ReadToEnd(client));
        }

        using Socket next = Connect();
        next.Send("GET /live HTTP/1.1\r\n\r\n"u8);
        Assert.StartsWith("HTTP/1.1 200 ", ReadToEnd(next));
    }

    [Fact]
    public void A_request_that_does_not_end_is_cut_off()
    {
        using Socket client = Connect();
        client.Send("GET /live HTTP/1.1\r\n"u8);
        Assert.Equal("", ReadToEnd(client));
    }

    /// <summary>Each byte comes soon after the one before, but the whole would take minutes.</summary>
    [Fact]
    public void A_request_that_trickles_in_is_cut_off()
    {
        using Socket client = Connect();
        int sent = 0;
        while (!client.Poll(TimeSpan.FromMilliseconds(50), SelectMode.SelectRead))
        {
            client.Send("x"u8);
            Assert.True(++sent < HealthEndpoint.MaxRequestBytes / 8, "Nobody cut it off.");
        }

        Assert.Equal("", ReadToEnd(client));
    }

    [Fact]
    public void A_port_that_is_taken_is_one_sentence()
    {
        HostAddress taken = HostAddress.Parse($"127.0.0.1:{_endpoint.EndPoint.Port}", "--health");
        LinkException mistake = Assert.Throws<LinkException>(() => HealthEndpoint.Open(taken, _status));
        Assert.Equal(
            $"--health: Port {_endpoint.EndPoint.Port} on 127.0.0.1 is in use; choose another, or 0 for any free one.",
            mistake.Message);
    }

    [Fact]
    public void A_closed_endpoint_gives_its_port_back()
    {
        _endpoint.Dispose();
        HostAddress same = HostAddress.Parse($"127.0.0.1:{_endpoint.EndPoint.Port}", "--health");
        using HealthEndpoint again = HealthEndpoint.Open(same, _status);
    }

    private static void Block(ManualResetEventSlim entered, ManualResetEventSlim goOn)
    {
        entered.Set();
        goOn.Wait(Wait.Deadline);
    }

    private async Task Expect(string path, int status, string body)
    {
        using HttpResponseMessage reply = await _http.GetAsync(path);
        Assert.Equal((status, body), ((int)reply.StatusCode, await reply.Content.ReadAsStringAsync()));
        Assert.Equal("application/json", reply.Content.Headers.ContentType?.MediaType);
    }

    private Socket Connect()
    {
        Socket client = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp)
        {
            ReceiveTimeout = (int)Wait.Deadline.TotalMilliseconds,
        };
        client.Connect(_endpoint.EndPoint);
        return client;
    }

    /// <summary>All that comes until the other side closes, in order or not.</summary>
    private static string ReadToEnd(Socket client)
    {
        StringBuilder text = new();
        byte[] buffer = new byte[1024];
        try
        {
            while (client.Receive(buffer) is var read and > 0) text.Append(Encoding.Latin1.GetString(buffer, 0, read));
        }
        catch (SocketException error) when (error.SocketErrorCode == SocketError.ConnectionReset)
        {
            // What it had not read yet was thrown away.
        }

        return text.ToString();
    }
}
