using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using System.Text.RegularExpressions;
using Distributed.Cluster.Native;
using Distributed.Protocol;
using Xunit;

namespace Distributed.Cluster;

/// <summary>
/// Connections that are no worker's come to a run's port: a hundred of each kind, and more while it trains. They get
/// nothing, cost nothing that stays, are counted, and each kind is said once; the run is the same in every bit.
/// </summary>
[Collection(ReferenceCollection.Name)]
public sealed class StrangersTests(ReferenceRun reference) : IDisposable
{
    private const string Token = "a token of this test alone";
    private const int OfEachKind = 100;

    private static readonly string[] Reasons =
    [
        "it said nothing for 1500 ms", "the handshake took longer than 1500 ms",
        "the peer sent a length above its limit", "the peer sent bytes that are not this protocol's",
        "it sent the hello of an earlier connection again",
    ];

    private static readonly byte[] TooMuch =
        [.. "DTR1"u8, 1, 0, 0, 0, 0, 0, 0, 0x40, 0, 0, 0, 0, .. new byte[100_000]];

    private readonly RunDirectory _directory = new();
    private readonly int _port = FreePort.Find();

    public void Dispose() => _directory.Dispose();

    [LinuxFact]
    public void AHundredOfEachKindComeToARun()
    {
        ProgramRun run = _directory.Train(
            ["--workers", "1", "--listen", $"127.0.0.1:{_port}", "--min-workers", "2"],
            ("DISTRIBUTED_TOKEN", Token), ("DISTRIBUTED_LIMITS_HANDSHAKE_MILLISECONDS", "1500"));
        run.WaitForOutput("worker 1 takes part");
        IReadOnlyList<byte[]> recorded = RecordAWorkerAndKillIt(run);
        run.WaitForOutput("is gone");
        (_, int handles, int threads) = Figures(run);

        // The run waits for a second worker now, so it has all the time that the strangers need.
        long before = Counted();
        int mostThreads = Come(run, recorded);
        Wait.Until(() => Counted() - before >= 5 * OfEachKind, run, "every stranger counted");
        Wait.Until(() => Figures(run).OpenFiles <= handles, run, "every handle closed again");
        Assert.InRange(mostThreads, 1, threads + 20); // the thread pool has some of its own
        Assert.InRange(Figures(run).Threads, 1, threads + 20);

        using CancellationTokenSource over = new();
        Task coming = Task.Run(() => KeepComing(recorded, over.Token));
        ProgramRun worker = _directory.Join($"127.0.0.1:{_port}", [], ("DISTRIBUTED_TOKEN", Token));
        Assert.True(run.WaitForExit() == 0, run.Transcript);
        over.Cancel();
        coming.Wait(Wait.Deadline);
        Assert.True(worker.WaitForExit() == 0, worker.Transcript);
        reference.RequireSame(_directory);
        foreach (string reason in Reasons)
        {
            Assert.True(Regex.Count(run.Output, $"Turned away a connection from 127.0.0.1: {reason}\n") == 1,
                $"'{reason}' is to be said once. {run.Transcript}");
        }

        Assert.Matches("[0-9]+ more connections from 127.0.0.1 were turned away: .*an old handshake again [0-9]{2}",
            run.Output);
    }

    /// <summary>What a worker sent first over its control and its data connection.</summary>
    private IReadOnlyList<byte[]> RecordAWorkerAndKillIt(ProgramRun run)
    {
        using RecordingProxy proxy = new(_port);
        ProgramRun worker = _directory.Join(
            proxy.Address, [], ("DISTRIBUTED_TOKEN", Token), ("DISTRIBUTED_SHARED_MEMORY", "0"));
        _directory.WaitForStep(5, run);
        worker.Signal(SystemCalls.Kill);
        Assert.Equal(2, proxy.Recorded.Count);
        return proxy.Recorded;
    }

    /// <summary>A hundred of each kind at once; the most threads that the run had meanwhile.</summary>
    private int Come(ProgramRun run, IReadOnlyList<byte[]> recorded)
    {
        List<Socket> strangers = [];
        int threads = 0;
        try
        {
            for (int count = 0; count < OfEachKind; count++)
            {
                strangers.Add(Connect([]));
                strangers.Add(Connect(recorded[0].AsSpan(0, 20)));
                strangers.Add(Connect(TooMuch));
                strangers.Add(Connect("GET / HTTP/1.1\r\n\r\n"u8));
                strangers.Add(Connect(recorded[count % 2]));
                threads = Math.Max(threads, Figures(run).Threads);
            }

            foreach (Socket stranger in strangers) RequireNothing(stranger);
            return threads;
        }
        finally
        {
            foreach (Socket stranger in strangers) stranger.Dispose();
        }
    }

    private void KeepComing(IReadOnlyList<byte[]> recorded, CancellationToken over)
    {
        for (int count = 0; !over.IsCancellationRequested; count++)
        {
            try
            {
                using Socket one = Connect(TooMuch), two = Connect(recorded[count % 2]), three = Connect([]);
                RequireNothing(two);
            }
            catch (SocketException)
            {
                return; // the run has ended
            }
        }
    }

    private Socket Connect(ReadOnlySpan<byte> bytes)
    {
        Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Connect(IPAddress.Loopback, _port);
        socket.ReceiveTimeout = (int)Wait.Deadline.TotalMilliseconds;
        socket.Send(bytes, SocketFlags.None, out _); // it may be closed already
        return socket;
    }

    /// <summary>Until the connection is closed, a challenge and perhaps a refusal came, and nothing else.</summary>
    private static void RequireNothing(Socket stranger)
    {
        byte[] received = new byte[4096];
        int count = 0;
        while (stranger.Receive(received.AsSpan(count), SocketFlags.None, out SocketError error) is var more and > 0)
        {
            Assert.NotEqual(SocketError.TimedOut, error);
            count += more;
        }

        for (int at = 0; at < count;)
        {
            FramePrefix.TryRead(received.AsSpan(at), 4096, 0, out FramePrefix prefix);
            Assert.True(prefix.Kind is MessageKind.Challenge or MessageKind.Refused, $"A stranger got {prefix.Kind}.");
            at += FramePrefix.ByteLength + prefix.HeaderBytes;
        }
    }

    /// <summary>What status.json says.</summary>
    private long Counted()
    {
        try
        {
            using JsonDocument status = JsonDocument.Parse(
                File.ReadAllBytes(Path.Combine(_directory.RunPath, "status.json")));
            return status.RootElement.GetProperty("turnedAway").GetInt64();
        }
        catch (Exception error) when (error is IOException or JsonException)
        {
            return 0;
        }
    }

    private static ProcessFigures Figures(ProgramRun run) => LocalProcesses.Figures(run.Id)
        ?? throw new InvalidOperationException($"The program has ended. {run.Transcript}");
}
