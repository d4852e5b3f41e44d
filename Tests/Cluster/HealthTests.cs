using System.Net.Sockets;
using Distributed.Cluster.Native;
using Xunit;

namespace Distributed.Cluster;

/// <summary>Coordinator and worker tell over HTTP how they are.</summary>
public sealed class HealthTests : IDisposable
{
    private const string Live = "{\"status\":\"live\"}";
    private const string Token = "a token of this test";
    private const string Library = "OpenTelemetry";

    private readonly RunDirectory _directory = new();
    private readonly HttpClient _http = new() { Timeout = Wait.Deadline };

    public void Dispose()
    {
        _directory.Dispose();
        _http.Dispose();
    }

    [LinuxFact]
    public void ACoordinatorThatHasNotLoadedItsDataIsLiveButNotReady()
    {
        string health = FreeAddress();
        SystemCalls.MakePipe(Path.Combine(_directory.Path, "weights"));
        ProgramRun run = _directory.Train("--init", "weights", "--health", health);
        Wait.Until(() => Ask(health, "/live") is not null, run, "an answer");
        Assert.Equal(
            (503, "{\"status\":\"waiting\",\"waitsFor\":\"the data, and the run to begin\"}"), Ask(health, "/ready"));
        Assert.Equal((200, Live), Ask(health, "/live"));
        run.Signal(SystemCalls.Kill);
    }

    /// <summary>The run waits for a third worker, so that it stands where it is.</summary>
    [LinuxFact]
    public void AWorkerIsReadyWhileItHasACoordinator()
    {
        string health = FreeAddress(), listen = FreeAddress(), worker = FreeAddress(), exporting = FreeAddress();
        ProgramRun Train() => _directory.Start(
            Programs.Coordinator,
            RunDirectory.Command("--workers", "0", "--listen", listen, "--min-workers", "3", "--health", health),
            ("DISTRIBUTED_TOKEN", Token));
        ProgramRun run = Train();
        WaitUntilReady(health, run);
        ProgramRun joined = Join(listen, worker);
        WaitUntilReady(worker, joined);
        Assert.Equal((200, Live), Ask(health, "/live"));
        Assert.Equal((200, Live), Ask(worker, "/live"));

        // Only who exports telemetry has loaded what does.
        ProgramRun exporter = Join(listen, exporting, "--telemetry", $"http://{FreeAddress()}");
        WaitUntilReady(exporting, exporter);
        Assert.Contains(Library, ProcessTable.Mappings(exporter.Id));
        Assert.DoesNotContain(Library, ProcessTable.Mappings(joined.Id));
        Assert.DoesNotContain(Library, ProcessTable.Mappings(run.Id));

        run.Signal(SystemCalls.Kill);
        run.WaitForExit();
        Wait.Until(() => Ask(worker, "/ready") is (503, _), joined, "the worker not ready");
        Assert.Equal(
            (503, $"{{\"status\":\"waiting\",\"waitsFor\":\"the coordinator at {listen}\"}}"), Ask(worker, "/ready"));
        Assert.Equal((200, Live), Ask(worker, "/live"));

        run = Train();
        WaitUntilReady(health, run);
        WaitUntilReady(worker, joined);
    }

    [Fact]
    public void AMistakeInAnAddressIsOneSentence()
    {
        using TcpListener taken = FreePort.Take();
        Refuse(_directory.Train("--health", $"{taken.LocalEndpoint}"), "error: --health: Port ");
        Refuse(_directory.Train("--telemetry", "collector:4317"), "error: --telemetry: expected a URL such as ");
        Refuse(Join(FreeAddress(), "nowhere"), "error: --health: expected HOST:PORT ");
        Refuse(Join(FreeAddress(), $"{taken.LocalEndpoint}"), "error: --health: Port ");
        Refuse(Join(FreeAddress(), FreeAddress(), "--telemetry", "localhost"), "error: --telemetry: expected a URL ");
    }

    private static void Refuse(ProgramRun run, string sentence)
    {
        Assert.Equal(2, run.WaitForExit());
        Assert.StartsWith(sentence, run.Error);
        Assert.Single(run.Error.TrimEnd().Split('\n'));
    }

    private static string FreeAddress() => $"127.0.0.1:{FreePort.Find()}";

    private ProgramRun Join(string coordinator, string health, params string[] more) => _directory.Start(
        Programs.Worker, ["--join", coordinator, "--threads", "1", "--health", health, .. more],
        ("DISTRIBUTED_TOKEN", Token));

    private void WaitUntilReady(string health, ProgramRun run) =>
        Wait.Until(() => Ask(health, "/ready") == (200, "{\"status\":\"ready\"}"), run, $"{health} ready");

    /// <summary>Null: nobody answers.</summary>
    private (int Status, string Body)? Ask(string address, string path)
    {
        try
        {
            using HttpRequestMessage request = new(HttpMethod.Get, $"http://{address}{path}");
            using HttpResponseMessage reply = _http.Send(request);
            using StreamReader body = new(reply.Content.ReadAsStream());
            return ((int)reply.StatusCode, body.ReadToEnd());
        }
        catch (HttpRequestException)
        {
            return null;
        }
    }
}
