using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Distributed.Protocol;
using Xunit;

namespace Distributed.Runtime.Tests;

/// <summary>A listener on a free port that keeps what it lets through.</summary>
internal sealed class TestListener : IListenerHandler, IDisposable
{
    public const string Token = "right-token";
    public static readonly IPEndPoint AnyPort = new(IPAddress.Loopback, 0);
    private readonly Listener _listener;

    public TestListener(
        ProtocolLimits? limits = null, LinkSecurity? security = null, TimeProvider? time = null) =>
        _listener = Listener.Open(AnyPort, Token, this, limits, security, time);

    public IPEndPoint EndPoint => _listener.EndPoint;

    public BlockingCollection<(Hello Hello, IControlLink Link)> Controls { get; } = [];

    public BlockingCollection<(DataHello Hello, DataLink<ParametersHeader, GradientHeader> Link)> Datas { get; } = [];

    public BlockingCollection<(SamplesHello Hello, SamplesSender Link)> Samples { get; } = [];

    public BlockingCollection<string> Rejections { get; } = [];

    // With the token again in the place of its proof, which is another on every connection.
    public void ControlOpened(Hello hello, IControlLink link) => Controls.Add((hello with { Token = Token }, link));

    public void DataOpened(DataHello hello, DataLink<ParametersHeader, GradientHeader> link) =>
        Datas.Add((hello with { Token = Token }, link));

    public void SamplesOpened(SamplesHello hello, SamplesSender link) =>
        Samples.Add((hello with { Token = Token }, link));

    public BlockingCollection<RejectionKind> Kinds { get; } = [];

    public void Rejected(in Rejection rejection)
    {
        Kinds.Add(rejection.Kind);
        Rejections.Add(rejection.Reason);
    }

    public void Dispose() => _listener.Dispose();
}

/// <summary>Keeps what a control link brings.</summary>
internal sealed class ControlRecorder : IControlHandler
{
    private readonly ManualResetEventSlim _over = new();
    private LinkEnd _end;

    public BlockingCollection<Message> Messages { get; } = [];

    public int Ends { get; private set; }

    public LinkEnd End => _over.Wait(Wait.Deadline) ? _end : throw new TimeoutException("The link did not end.");

    public bool HasEnded => _over.IsSet;

    public int HeardCount { get; private set; }

    public void Heard(IControlLink link) => HeardCount++;

    public void Received(IControlLink link, Message message) => Messages.Add(message);

    public void Ended(IControlLink link, LinkEnd end)
    {
        Ends++;
        _end = end;
        _over.Set();
    }
}

/// <summary>Stands between a worker and a coordinator, and can say something to the coordinator itself.</summary>
internal sealed class Relay : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly Socket _forward = new(SocketType.Stream, ProtocolType.Tcp);
    private Socket? _worker;

    public Relay(IPEndPoint coordinator)
    {
        _listener.Start();
        _ = Task.Run(() =>
        {
            _worker = _listener.AcceptSocket();
            _forward.Connect(coordinator);
            _ = Task.Run(() => Pump(_forward, _worker));
            Pump(_worker, _forward);
        });
    }

    public IPEndPoint EndPoint => (IPEndPoint)_listener.LocalEndpoint;

    public void Forward(ReadOnlySpan<byte> bytes) => _forward.Send(bytes);

    /// <summary>Nothing more comes after what was forwarded.</summary>
    public void Finish() => _forward.Shutdown(SocketShutdown.Send);

    public void Dispose()
    {
        _listener.Dispose();
        _forward.Dispose();
        _worker?.Dispose();
    }

    private static void Pump(Socket from, Socket to)
    {
        byte[] bytes = new byte[4096];
        try
        {
            int count;
            while ((count = from.Receive(bytes)) > 0) to.Send(bytes.AsSpan(0, count));
            to.Shutdown(SocketShutdown.Send);
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException)
        {
            // One of the two has gone.
        }
    }
}

/// <summary>Takes tensors into one block, and lends another.</summary>
internal sealed class TensorRecorder<TIn, TOut>(int length) : ITensorReceiver<TIn>, ITensorSource<TOut>
    where TIn : struct, ITensorHeader<TIn>
    where TOut : struct, ITensorHeader<TOut>
{
    private readonly ManualResetEventSlim _over = new();
    private readonly SemaphoreSlim _received = new(0);
    private LinkEnd _end;

    public float[] Block { get; } = new float[length];

    public float[] Loan { get; } = new float[length];

    public TIn Last { get; private set; }

    public int Acquired { get; private set; }

    public int SentCount { get; private set; }

    public int Ends { get; private set; }

    public bool Wanted { get; set; } = true;

    public LinkEnd End => _over.Wait(Wait.Deadline) ? _end : throw new TimeoutException("The link did not end.");

    public void WaitReceived()
    {
        if (!_received.Wait(Wait.Deadline))
            throw new TimeoutException("Nothing was received.");
    }

    public Span<float> Acquire(in TIn header)
    {
        Acquired++;
        return Wanted ? Block : default;
    }

    public void Received(in TIn header)
    {
        Last = header;
        _received.Release();
    }

    public void Ended(LinkEnd end)
    {
        Ends++;
        _end = end;
        _over.Set();
    }

    public int LentCount { get; private set; }

    public ReadOnlySpan<float> Lend(in TOut header)
    {
        LentCount++;
        return Loan;
    }

    public void Sent(in TOut header) => SentCount++;
}

/// <summary>Both ends of a started data link.</summary>
internal sealed class DataPair : IDisposable
{
    public static readonly DataHello Hello = new(TestListener.Token, new RunId(1, 2), new Fence(3), new WorkerId(4));

    public DataPair(int length, ProtocolLimits? limits = null)
    {
        Listener = new TestListener(limits);
        Coordinator = new(length);
        Worker = new(length);
        Task<DataLink<GradientHeader, ParametersHeader>> opening =
            Task.Run(() => Connector.OpenSocket(Listener.EndPoint, Hello, limits));
        (DataHello hello, CoordinatorLink) = Listener.Datas.TakeSoon();
        Assert.Equal(Hello, hello);
        CoordinatorLink.Accept(length, length, Coordinator, Coordinator);
        WorkerLink = opening.Soon();
        WorkerLink.Start(length, length, Worker);
    }

    public TestListener Listener { get; }

    public TensorRecorder<GradientHeader, ParametersHeader> Coordinator { get; }

    public TensorRecorder<ParametersHeader, GradientHeader> Worker { get; }

    public DataLink<ParametersHeader, GradientHeader> CoordinatorLink { get; }

    public DataLink<GradientHeader, ParametersHeader> WorkerLink { get; }

    public void Dispose()
    {
        WorkerLink.Dispose();
        CoordinatorLink.Dispose();
        Listener.Dispose();
    }
}

/// <summary>Both ends of a started control link.</summary>
internal sealed class ControlPair : IDisposable
{
    public static readonly Hello Hello =
        new(ProtocolVersion.Current, TestListener.Token, "0.1.0", "fp32-cpu-1", "host", 1, 2, 0);

    public static readonly Fence Fence = new(3);

    public ControlPair(int lease = 60_000, int heartbeat = 20_000, IControlHandler? workerHandler = null)
    {
        Welcome = new(new WorkerId(1), new RunId(1, 2), Fence, "{}", "data", lease, heartbeat);
        Listener = new TestListener();
        Task<(ControlLink Link, Welcome Welcome)> joining =
            Task.Run(() => Connector.Join(Listener.EndPoint, Hello));
        (Hello hello, CoordinatorLink) = Listener.Controls.TakeSoon();
        Assert.Equal(Hello, hello);
        CoordinatorLink.Accept(Welcome, Coordinator);
        (WorkerLink, Welcome welcome) = joining.Soon();
        Assert.Equal(Welcome, welcome);
        WorkerLink.Start(welcome, workerHandler ?? Worker);
    }

    public Welcome Welcome { get; }

    public TestListener Listener { get; }

    public ControlRecorder Coordinator { get; } = new();

    public ControlRecorder Worker { get; } = new();

    public IControlLink CoordinatorLink { get; }

    public ControlLink WorkerLink { get; }

    public void Dispose()
    {
        WorkerLink.Dispose();
        CoordinatorLink.Dispose();
        Listener.Dispose();
    }
}

/// <summary>A peer that writes raw bytes, once it was challenged.</summary>
internal sealed class RawPeer : IDisposable
{
    private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly string _nonce = "";

    public RawPeer(IPEndPoint endPoint, bool knocks = true)
    {
        _socket.Connect(endPoint);
        _socket.ReceiveTimeout = (int)Wait.Deadline.TotalMilliseconds;
        if (!knocks) return;
        Send(Frame(new Knock()));
        _nonce = ((Challenge)Read()).Nonce;
    }

    public void Send(ReadOnlySpan<byte> bytes) => _socket.Send(bytes);

    /// <summary>Sends a first message, with the proof in place of its token.</summary>
    public void Send(Message message) => Send(Frame(Prove(message)));

    /// <summary>A first message as it goes over this connection.</summary>
    public Message Prove(Message message) => message switch
    {
        Hello hello => hello with { Token = RunToken.Prove(hello.Token, _nonce) },
        DataHello hello => hello with { Token = RunToken.Prove(hello.Token, _nonce) },
        SamplesHello hello => hello with { Token = RunToken.Prove(hello.Token, _nonce) },
        _ => message,
    };

    /// <summary>Sends; false where the other side has closed.</summary>
    public bool TrySend(ReadOnlySpan<byte> bytes)
    {
        _socket.Send(bytes, SocketFlags.None, out SocketError error);
        return error == SocketError.Success;
    }

    /// <summary>Requires that the other side closes without another word.</summary>
    public void RequireReset() => Assert.Empty(ReadToEnd());

    /// <summary>Everything until the other side closes.</summary>
    public byte[] ReadToEnd()
    {
        List<byte> all = [];
        byte[] piece = new byte[4096];
        while (true)
        {
            int count = _socket.Receive(piece, SocketFlags.None, out SocketError error);
            Assert.NotEqual(SocketError.TimedOut, error);
            if (count == 0)
                return [.. all];
            all.AddRange(piece.AsSpan(0, count));
        }
    }

    /// <summary>The next message.</summary>
    public Message Read()
    {
        FramePrefix.TryRead(Exactly(FramePrefix.ByteLength), 1 << 20, 0, out FramePrefix prefix);
        byte[] header = Exactly(prefix.HeaderBytes);
        MessageCodec.TryRead(prefix.Kind, header, ProtocolLimits.Default, new MessagePool(), out Message? message);
        return message!;
    }

    public static byte[] Frame(Message message)
    {
        byte[] frame = [];
        int length = 0;
        MessageCodec.Append(message, ref frame, ref length);
        return frame[..length];
    }

    public void Dispose() => _socket.Dispose();

    private byte[] Exactly(int count)
    {
        byte[] bytes = new byte[count];
        for (int at = 0; at < count;)
        {
            int received = _socket.Receive(bytes.AsSpan(at));
            Assert.NotEqual(0, received);
            at += received;
        }
        return bytes;
    }
}

internal static class Wait
{
    public static readonly TimeSpan Deadline = TimeSpan.FromSeconds(20);

    public static T Soon<T>(this Task<T> task) =>
        task.Wait(Deadline) ? task.Result : throw new TimeoutException("It took too long.");

    public static T TakeSoon<T>(this BlockingCollection<T> items) =>
        items.TryTake(out T? item, Deadline) ? item : throw new TimeoutException("Nothing came.");

    public static void Until(Func<bool> condition) =>
        Assert.True(SpinWait.SpinUntil(condition, Deadline), "It did not become true in time.");
}
