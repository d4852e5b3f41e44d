using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using Distributed.Protocol;

namespace Distributed.Benchmarks;

/// <summary>
/// What strangers at the coordinator's port cost a training: trains, attacks and leaves it alone in turn, and compares
/// the steps of both. A worker that comes meanwhile is timed too.
/// </summary>
internal sealed partial class StrangersBenchmark
{
    private const string Token = "a token of this measurement alone";
    private const int PerSecond = 1000;
    private static readonly TimeSpan Window = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(6);

    private readonly string _folder = Directory.CreateTempSubdirectory("distributed-strangers-").FullName;
    private readonly int _port = FreePort();
    private readonly ManualResetEvent _tick = new(initialState: false); // never set
    private readonly List<string> _log = [];

    /// <summary>Measures.</summary>
    /// <param name="coordinator">The coordinator's program.</param>
    /// <param name="workers">Local workers of one thread.</param>
    /// <param name="tls">Whether with certificates.</param>
    /// <param name="pairs">Windows with and without.</param>
    public static void Run(string coordinator, int workers, bool tls, int pairs)
    {
        StrangersBenchmark benchmark = new();
        try
        {
            benchmark.Measure(coordinator, workers, tls, pairs);
        }
        finally
        {
            Directory.Delete(benchmark._folder, recursive: true);
        }
    }

    private void Measure(string coordinator, int workers, bool tls, int pairs)
    {
        List<string> arguments =
        [
            "train", "--model", "convnet", "--data", "mnist", "--validation", "0", "--epochs", "100000", "--name",
            "strangers", "--workers", $"{workers}", "--threads", "1", "--listen", $"127.0.0.1:{_port}",
        ];
        if (tls)
        {
            using Process certificates = Start(coordinator, ["certificates", "new", "127.0.0.1"]);
            certificates.WaitForExit();
            arguments.AddRange(["--certificates", "certificates"]);
        }

        using Process training = Start(coordinator, arguments);
        try
        {
            while (Steps() == 0 && !training.HasExited) _tick.WaitOne(50);
            _tick.WaitOne(WarmUp);
            byte[] recorded = tls ? RecordTls() : Record();
            Console.WriteLine($"{workers} workers, {(tls ? "TLS" : "plain")}, {Environment.ProcessorCount} cores, "
                + $"{PerSecond} connections a second for {Window.TotalSeconds} s");
            List<double> losses = [];
            double before = Alone(training);
            for (int pair = 0; pair < pairs; pair++)
            {
                // Before and after, so that a drift of the machine's speed is no loss.
                double attacked = Attacked(training, recorded, tls, out TimeSpan busy), burned = Burned(training, busy);
                double after = Alone(training), alone = (before + after) / 2;
                before = after;
                losses.Add(1 - (attacked / burned));
                Console.WriteLine(Invariant($"  loses {1 - (attacked / alone):p1} to the attack and ")
                    + Invariant($"{1 - (burned / alone):p1} to a thread that takes the attacker's CPU time ")
                    + Invariant($"({busy / Window:p1} of a core): beyond that {losses[^1]:p1}"));
            }

            losses.Sort();
            double median = (losses[pairs / 2] + losses[(pairs - 1) / 2]) / 2;
            Console.WriteLine(Invariant($"  median loss beyond the attacker's own CPU time {median:p1}"));
        }
        finally
        {
            Stop(training);
        }

        foreach (string line in _log.Where(line => line.Contains("turned away", StringComparison.OrdinalIgnoreCase)))
            Console.WriteLine($"  {line}");
    }

    private double Alone(Process training)
    {
        long[] before = MachineTicks();
        double steps = StepsPerSecond(training, () => _tick.WaitOne(Window), out double coordinator);
        Console.WriteLine(Invariant($"  alone: {steps:f1} steps/s; {Shares(before, coordinator)}"));
        return steps;
    }

    /// <summary>This process's, by getrusage.</summary>
    private static TimeSpan CpuTime => Environment.CpuUsage.TotalTime;

    /// <summary>Takes as much CPU time as an attacker did, in the same small pieces, and attacks nobody.</summary>
    private double Burned(Process training, TimeSpan busy)
    {
        long[] before = MachineTicks();
        double steps = StepsPerSecond(training, () =>
        {
            TimeSpan begun = CpuTime;
            Stopwatch clock = Stopwatch.StartNew();
            while (clock.Elapsed < Window)
            {
                while ((CpuTime - begun) / busy < clock.Elapsed / Window)
                {
                    // Until it has taken its share so far.
                }

                _tick.WaitOne(1);
            }
        }, out double coordinator);
        Console.WriteLine(Invariant($"  the same CPU time: {steps:f1} steps/s; {Shares(before, coordinator)}"));
        return steps;
    }

    private double Attacked(Process training, byte[] recorded, bool tls, out TimeSpan busy)
    {
        Attack attack = new(_port, recorded, PerSecond);
        List<double> joins = [];
        using CancellationTokenSource over = new();
        Thread honest = new(() => KeepJoining(joins, over.Token));
        if (!tls) honest.Start();
        TimeSpan spent = TimeSpan.Zero;
        long[] before = MachineTicks();
        double steps = StepsPerSecond(training, () =>
        {
            TimeSpan begun = CpuTime;
            attack.Run(Window);
            spent = CpuTime - begun;
        }, out double coordinator);
        over.Cancel();
        if (!tls) honest.Join();
        busy = spent;
        joins.Sort();
        Console.WriteLine(Invariant($"  {attack.Count} strangers: {steps:f1} steps/s; {Shares(before, coordinator)}")
            + (joins.Count == 0 ? "" : Invariant($"; {joins.Count} handshakes of a worker: median ")
                + Invariant($"{joins[joins.Count / 2]:f1} ms, longest {joins[^1]:f1} ms")));
        return steps;
    }

    private static string Shares(long[] before, double coordinatorCores)
    {
        long[] ticks = [.. MachineTicks().Zip(before, (after, earlier) => after - earlier)];
        return $"machine: user {Share(0)}, nice {Share(1)}, system {Share(2)}, softirq {Share(6)}, idle {Share(3)}; "
            + Invariant($"coordinator {coordinatorCores / Environment.ProcessorCount:p1}");

        string Share(int kind) => Invariant($"{(double)ticks[kind] / Math.Max(1, ticks.Sum()):p1}");
    }

    private double StepsPerSecond(Process training, Action during, out double coordinatorCores)
    {
        long begun = Stopwatch.GetTimestamp(), steps = Steps();
        training.Refresh();
        TimeSpan cpu = training.TotalProcessorTime;
        during();
        double seconds = Stopwatch.GetElapsedTime(begun).TotalSeconds;
        training.Refresh();
        coordinatorCores = (training.TotalProcessorTime - cpu).TotalSeconds / seconds;
        return (Steps() - steps) / seconds;
    }

    /// <summary>A worker's handshake twice a second; how long each took, until it was welcomed.</summary>
    private void KeepJoining(List<double> milliseconds, CancellationToken over)
    {
        while (!over.WaitHandle.WaitOne(500))
        {
            long begun = Stopwatch.GetTimestamp();
            using Socket socket = Handshake(out _);
            milliseconds.Add(Stopwatch.GetElapsedTime(begun).TotalMilliseconds);
        }
    }

    private byte[] Record()
    {
        Handshake(out byte[] sent).Dispose();
        return sent;
    }

    /// <summary>What a worker does first, up to the coordinator's welcome.</summary>
    private Socket Handshake(out byte[] sent)
    {
        Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.ReceiveTimeout = 10_000;
        socket.Connect(IPAddress.Loopback, _port);
        byte[] knock = [];
        int knockLength = 0;
        MessageCodec.Append(new Knock(), ref knock, ref knockLength);
        knock = knock[..knockLength];
        socket.Send(knock);
        Challenge challenge = (Challenge)Read(socket);
        byte[] proof = HMACSHA256.HashData(Encoding.UTF8.GetBytes(Token), Encoding.UTF8.GetBytes(challenge.Nonce));
        sent = [];
        int length = 0;
        MessageCodec.Append(new Hello(
            ProtocolVersion.Current, Convert.ToHexStringLower(proof), "0.1.0", "fp32-cpu-1", "here", 1, 1, -1),
            ref sent, ref length);
        sent = sent[..length];
        socket.Send(sent);
        sent = [.. knock, .. sent];
        if (Read(socket) is Refused refused) throw new InvalidOperationException(refused.Reason);
        return socket;
    }

    private static Message Read(Socket socket)
    {
        byte[] prefix = Exactly(socket, FramePrefix.ByteLength);
        FramePrefix.TryRead(prefix, 1 << 20, 0, out FramePrefix read);
        byte[] header = Exactly(socket, read.HeaderBytes);
        MessageCodec.TryRead(read.Kind, header, ProtocolLimits.Default, new MessagePool(), out Message? message);
        return message ?? throw new InvalidOperationException("The coordinator sent what is no message.");
    }

    private static byte[] Exactly(Socket socket, int count)
    {
        byte[] bytes = new byte[count];
        for (int at = 0; at < count;)
        {
            int received = socket.Receive(bytes.AsSpan(at));
            at += received > 0 ? received : throw new InvalidOperationException("The coordinator closed.");
        }

        return bytes;
    }

    /// <summary>The first record of a TLS connection.</summary>
    private byte[] RecordTls()
    {
        using Recorder recorder = new(new NetworkStream(Connected(), ownsSocket: true));
        using SslStream tls = new(recorder, leaveInnerStreamOpen: true, (_, _, _, _) => true);
        try
        {
            tls.AuthenticateAsClient("127.0.0.1");
        }
        catch (Exception error) when (error is IOException or System.Security.Authentication.AuthenticationException)
        {
            // It wants a certificate; the first record has been sent.
        }

        return recorder.First;
    }

    private Socket Connected()
    {
        Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Connect(IPAddress.Loopback, _port);
        return socket;
    }

    private Process Start(string program, IEnumerable<string> arguments)
    {
        ProcessStartInfo start = new(program, arguments)
        {
            WorkingDirectory = _folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["DISTRIBUTED_TOKEN"] = Token;
        Process process = new() { StartInfo = start };
        process.OutputDataReceived += (_, line) => Keep(line.Data);
        process.ErrorDataReceived += (_, line) => Keep(line.Data);
        process.Start();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return process;
    }

    private void Keep(string? line)
    {
        if (line is null) return;
        lock (_log) _log.Add(line);
    }

    private static void Stop(Process training)
    {
        using (Process kill = Process.Start("kill", ["-TERM", $"{training.Id}"])) kill.WaitForExit();
        if (training.WaitForExit(TimeSpan.FromSeconds(30)))
        {
            training.WaitForExit(); // and its last lines
            return;
        }

        training.Kill(entireProcessTree: true);
    }

    /// <summary>Steps applied so far, by the last line of its metrics.</summary>
    private long Steps()
    {
        string path = Path.Combine(_folder, "runs", "strangers", "metrics.jsonl");
        if (!File.Exists(path)) return 0;
        using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        file.Position = Math.Max(0, file.Length - 4096);
        using StreamReader reader = new(file);
        return StepPattern().Matches(reader.ReadToEnd()) is [.., var last]
            ? long.Parse(last.Groups[1].ValueSpan, CultureInfo.InvariantCulture) : 0;
    }

    private static long[] MachineTicks() => File.Exists("/proc/stat")
        ? [.. File.ReadLines("/proc/stat").First().Split(' ', StringSplitOptions.RemoveEmptyEntries)[1..9]
            .Select(ticks => long.Parse(ticks, CultureInfo.InvariantCulture))]
        : new long[8];

    private static int FreePort()
    {
        using TcpListener listener = new(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private static string Invariant(FormattableString text) => FormattableString.Invariant(text);

    [GeneratedRegex("\"step\":([0-9]+),[^\n]*\n")]
    private static partial Regex StepPattern();

    /// <summary>Keeps what is written first.</summary>
    private sealed class Recorder(Stream inner) : Stream
    {
        public byte[] First { get; private set; } = [];

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override void Flush() => inner.Flush();

        public override int Read(byte[] buffer, int offset, int count) => inner.Read(buffer, offset, count);

        public override void Write(byte[] buffer, int offset, int count)
        {
            if (First.Length == 0) First = buffer[offset..(offset + count)];
            inner.Write(buffer, offset, count);
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
            if (disposing) inner.Dispose();
            base.Dispose(disposing);
        }
    }
}
