using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using Distributed.Protocol;
using Distributed.Protocol.Tests;
using Distributed.Runtime;

namespace Distributed.Fuzz;

/// <summary>
/// What a stranger says first, over a real socket of this machine: first a byte that chooses who listens (a
/// coordinator's port, without and with TLS; a worker that joins, opens its data link or asks for samples), then bytes.
/// </summary>
internal sealed class HandshakeTarget : FuzzTarget
{
    private const string Token = "token";
    private const int NonceLength = 32;
    private static readonly byte[] Proof = Encoding.UTF8.GetBytes(new string('p', 64));
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(15);

    // Floods are slowed down; this one is to be answered. The port's clock runs fast, so its seconds are many.
    private static readonly ProtocolLimits Limits = ProtocolLimits.Default with
    {
        HandshakeMilliseconds = HastyTime.Haste * ProtocolLimits.Default.HandshakeMilliseconds,
        AcceptsPerSecond = 1_000_000,
        HandshakesPerSecond = 1_000_000,
        HandshakePiecesPerSecond = 1_000_000,
    };
    private static readonly Hello Hello =
        Samples.Messages.OfType<Hello>().First() with { Protocol = ProtocolVersion.Current };
    private static readonly DataHello DataHello = Samples.Messages.OfType<DataHello>().First();
    private static readonly SamplesHello SamplesHello = Samples.Messages.OfType<SamplesHello>().First();

    private readonly string _folder = Directory.CreateTempSubdirectory("distributed-fuzz-").FullName;
    private readonly Guests _guests = new();
    private readonly HostCertificate _certificate;
    private readonly Listener _plain;
    private readonly Listener _secure;
    private readonly AnsweringPeer _peer = new();

    public HandshakeTarget()
    {
        using (CertificateAuthority authority =
            CertificateAuthority.OpenOrCreate(_folder, DateTimeOffset.UtcNow, 30, out _))
        {
            authority.Issue(_folder, ["here", "localhost", "127.0.0.1"], DateTimeOffset.UtcNow, 30);
        }

        _certificate = HostCertificate.Load(_folder, "here");
        IPEndPoint anyPort = new(IPAddress.Loopback, 0);
        _plain = Listener.Open(anyPort, Token, _guests, Limits, null, new HastyTime());
        _secure = Listener.Open(
            anyPort, Token, _guests, Limits, LinkSecurity.Listening(_certificate), new HastyTime());
    }

    public override string Name => "handshake";

    public override bool UsesThreads => true;

    public override IReadOnlyList<byte[]> Words { get; } =
    [
        "DTR1"u8.ToArray(), "token"u8.ToArray(), [0xa5, .. "token"u8], [255, 255, 255, 255], [0, 64, 0, 0],
        [1, 64, 0, 0], [0x16, 3, 1], [0x16, 3, 3], [0x14, 3, 3, 0, 1, 1], [0x15, 3, 3, 0, 2, 2, 40], [0x17, 3, 3],
        [3, 4],
    ];

    /// <summary>An answer's header may be as long as its limit says; the system's TLS has buffers of its own.</summary>
    public override long MostAllocated(int length) =>
        (3L * ProtocolLimits.Default.MaxHeaderBytes) + (1 << 20) + (200L * length);

    public override void Dispose()
    {
        _plain.Dispose();
        _secure.Dispose();
        _peer.Dispose();
        _certificate.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    public override Outcome Read(byte[] input)
    {
        ReadOnlySpan<byte> bytes = input.AsSpan(Math.Min(1, input.Length));
        switch (input.FirstOrDefault() % 5)
        {
            case 0: return Call(_plain.EndPoint, bytes);
            case 1: return Call(_secure.EndPoint, bytes);
            case 2: return Answer(bytes, () => Connector.Join(_peer.EndPoint, Hello).Link);
            case 3:
                return Answer(bytes, () => Connector.OpenData(
                    _peer.EndPoint, DataHello, new TensorLengths(16, 16), new MessagePool()));
            default: return Answer(bytes, () => Connector.OpenSamples(_peer.EndPoint, SamplesHello));
        }
    }

    protected override IEnumerable<byte[]> MakeSeeds() =>
    [
        .. new Message[]
            {
                Hello with { Token = Encoding.UTF8.GetString(Proof) },
                DataHello with { Token = Encoding.UTF8.GetString(Proof) },
                SamplesHello with { Token = Encoding.UTF8.GetString(Proof) },
                new Ready("", 1), Hello with { Token = "other" }, Hello with { Protocol = 1 }, new Knock(),
            }.Select(message => (byte[])[0, .. Frames.Of(message)]),
        [1, .. TlsHello()],
        [1, .. Frames.Of(Hello)],
        .. from reader in new byte[] { 2, 3, 4 }
           from message in Samples.Messages
           select (byte[])[reader, .. Frames.Of(new Challenge("nonce")), .. Frames.Of(message)],
        [
            4, .. Frames.Of(new Challenge("nonce")), .. Frames.Of(new SamplesPending()),
            .. Frames.Of(Samples.Messages.OfType<SamplesOffer>().First()),
        ],
    ];

    private Outcome Call(IPEndPoint endPoint, ReadOnlySpan<byte> bytes)
    {
        using Socket stranger = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        stranger.Connect(endPoint);
        byte[] input = bytes.ToArray();
        if (bytes.IndexOf(Proof) is >= 0 and var at) Prove(stranger, input.AsSpan(at, Proof.Length));
        stranger.Send(input, SocketFlags.None, out _);
        stranger.Shutdown(SocketShutdown.Send);
        return _guests.Next.TryTake(out string? rejection, Deadline)
            ? rejection.Length == 0 ? Outcome.Accepted : Outcome.Refused(rejection.TrimEnd('.') + '.')
            : throw new TimeoutException("The stranger was neither let in nor turned away.");
    }

    /// <summary>Knocks, and writes what shows that one knows the token.</summary>
    private static void Prove(Socket stranger, Span<byte> proof)
    {
        stranger.ReceiveTimeout = (int)Deadline.TotalMilliseconds;
        stranger.Send(Frames.Of(new Knock()));
        byte[] challenge = Frames.Of(new Challenge(new string('0', NonceLength)));
        int received = 0;
        while (received < challenge.Length && stranger.Receive(challenge.AsSpan(received)) is > 0 and var count)
            received += count;
        byte[] shown = HMACSHA256.HashData(Encoding.UTF8.GetBytes(Token), challenge.AsSpan(^NonceLength));
        Encoding.UTF8.GetBytes(Convert.ToHexStringLower(shown), proof);
    }

    private Outcome Answer(ReadOnlySpan<byte> bytes, Func<IDisposable> call)
    {
        _peer.Answer = bytes.ToArray();
        return Outcome.Of(Frames.Sentence, () => call().Dispose());
    }

    /// <summary>What a worker's TLS says first.</summary>
    private byte[] TlsHello()
    {
        _peer.Answer = [0x15, 3, 3, 0, 2, 2, 40]; // a fatal alert
        try
        {
            Connector.Join(_peer.EndPoint, Hello, null, LinkSecurity.Calling(_certificate, "127.0.0.1")).Link.Dispose();
        }
        catch (LinkException)
        {
            // Turned away, as it must be.
        }

        return _peer.Heard;
    }

    /// <summary>Lets in nobody for long; says of each whether it would have.</summary>
    private sealed class Guests : IListenerHandler
    {
        public BlockingCollection<string> Next { get; } = [];

        public void ControlOpened(Hello hello, IControlLink link) => Refuse(link.Refuse);

        public void DataOpened(DataHello hello, DataLink<ParametersHeader, GradientHeader> link) => Refuse(link.Refuse);

        public void SamplesOpened(SamplesHello hello, SamplesSender link) => Refuse(link.Refuse);

        // No reason is no sentence: a line break makes a finding of it.
        public void Rejected(in Rejection rejection) =>
            Next.Add(rejection.Reason.Length > 0 ? rejection.Reason : "\n");

        private void Refuse(Action<string> refuse)
        {
            refuse("Enough.");
            Next.Add("");
        }
    }

    /// <summary>A clock on which many seconds pass in one.</summary>
    private sealed class HastyTime : TimeProvider
    {
        public const int Haste = 1_000;

        public override long GetTimestamp() => Haste * base.GetTimestamp();
    }

    /// <summary>Hears a question and answers what it was told to, again and again.</summary>
    private sealed class AnsweringPeer : IDisposable
    {
        private readonly TcpListener _listener = new(IPAddress.Loopback, 0);

        public AnsweringPeer()
        {
            _listener.Start();
            new Thread(Run) { IsBackground = true }.Start();
        }

        public IPEndPoint EndPoint => (IPEndPoint)_listener.LocalEndpoint;

        public byte[] Answer { get; set; } = [];

        public byte[] Heard { get; private set; } = [];

        public void Dispose() => _listener.Dispose();

        private void Run()
        {
            byte[] buffer = new byte[1 << 16];
            while (true)
            {
                try
                {
                    using Socket caller = _listener.AcceptSocket();
                    caller.ReceiveTimeout = (int)Deadline.TotalMilliseconds;
                    Heard = buffer[..caller.Receive(buffer)];
                    caller.Send(Answer);
                    caller.Shutdown(SocketShutdown.Send);
                    while (caller.Receive(buffer) > 0)
                    {
                    }
                }
                catch (SocketException) when (_listener.Server.IsBound)
                {
                    // The caller left in the middle.
                }
                catch (Exception error) when (error is SocketException or ObjectDisposedException
                    or InvalidOperationException)
                {
                    return;
                }
            }
        }
    }
}
