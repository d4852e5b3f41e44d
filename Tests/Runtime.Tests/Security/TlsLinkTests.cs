using Distributed.Protocol;
using Xunit;

namespace Distributed.Runtime.Tests;

/// <summary>Links over mutual TLS: what both ends check of each other, and that what travels is the same.</summary>
public sealed class TlsLinkTests : IDisposable
{
    private static readonly DateTimeOffset Now = DateTimeOffset.UtcNow;
    private static readonly string[] LocalNames = ["localhost", "127.0.0.1"];

    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_worker_joins_and_messages_travel_both_ways()
    {
        HostCertificate certificate = Host("here");
        using TestListener listener = Listening(certificate);
        Task<(ControlLink Link, Welcome Welcome)> joining = Task.Run(() => Connector.Join(
            listener.EndPoint, ControlPair.Hello, null, LinkSecurity.Calling(certificate, "127.0.0.1")));
        (Hello hello, IControlLink coordinator) = listener.Controls.TakeSoon();
        Assert.Equal(ControlPair.Hello, hello);
        ControlRecorder atCoordinator = new(), atWorker = new();
        Welcome welcome = new(new WorkerId(1), new RunId(1, 2), new Fence(3), "{}", "data", 60_000, 20_000);
        coordinator.Accept(welcome, atCoordinator);
        (ControlLink worker, Welcome received) = joining.Soon();
        using ControlLink ended = worker;
        Assert.Equal(welcome, received);
        worker.Start(welcome, atWorker);
        worker.Send(new Leaving("because"));
        Assert.Equal(new Leaving("because"), atCoordinator.Messages.TakeSoon());
        coordinator.Send(new Stop("it is done"));
        Assert.IsType<Stop>(atWorker.Messages.TakeSoon());
        coordinator.Dispose();
        Assert.Equal(LinkEndKind.ClosedByPeer, atWorker.End.Kind);
    }

    [Fact]
    public void Tensors_larger_than_a_record_arrive_as_they_are()
    {
        const int Length = 300_000;
        HostCertificate certificate = Host("here");
        using TestListener listener = Listening(certificate);
        Task<DataLink<GradientHeader, ParametersHeader>> opening = Task.Run(() => Connector.OpenSocket(
            listener.EndPoint, DataPair.Hello, null, LinkSecurity.Calling(certificate, "localhost")));
        (_, DataLink<ParametersHeader, GradientHeader> coordinator) = listener.Datas.TakeSoon();
        TensorRecorder<GradientHeader, ParametersHeader> atCoordinator = new(Length);
        coordinator.Accept(Length, Length, atCoordinator, atCoordinator);
        TensorRecorder<ParametersHeader, GradientHeader> atWorker = new(Length);
        using DataLink<GradientHeader, ParametersHeader> worker = opening.Soon();
        worker.Start(Length, Length, atWorker);
        for (int i = 0; i < Length; i++) (atCoordinator.Loan[i], atWorker.Loan[i]) = (i, -i);
        for (int version = 1; version <= 3; version++)
        {
            coordinator.Post(new ParametersHeader(new Fence(3), new ParameterVersion(version)));
            atWorker.WaitReceived();
            worker.Send(new GradientHeader(
                new Fence(3), new StepNumber(version), new TreeNode(0, 1), 1, 0, 0, 0, 0), atWorker.Loan);
            atCoordinator.WaitReceived();
        }

        Assert.Equal(atCoordinator.Loan, atWorker.Block);
        Assert.Equal(atWorker.Loan, atCoordinator.Block);
        coordinator.Dispose();
    }

    [Fact]
    public void A_data_set_arrives_as_it_is()
    {
        HostCertificate certificate = Host("here");
        using TestListener listener = Listening(certificate);
        SamplesPair.Transfer(listener, LinkSecurity.Calling(certificate, "localhost"));
    }

    [Fact]
    public void Another_clusters_worker_is_turned_away_and_so_is_another_clusters_coordinator()
    {
        HostCertificate ours = Host("here"), theirs = Host("there", "other");
        using TestListener listener = Listening(ours);
        LinkException stranger = Refusal(listener, LinkSecurity.Calling(theirs, "127.0.0.1"));
        Assert.Contains("its certificate is not signed by", stranger.Message);
        Assert.Contains(Path.Combine("other", "ca.crt"), stranger.Message);
        Assert.NotEmpty(listener.Rejections.TakeSoon());

        // One that would trust us, but shows a certificate of its own cluster.
        using HostCertificate mixed = HostCertificate.Load(MixedFolder(), "there");
        Refusal(listener, LinkSecurity.Calling(mixed, "127.0.0.1"));
        Assert.Contains("its certificate is not signed by", listener.Rejections.TakeSoon());
        Assert.Empty(listener.Controls);
    }

    [Fact]
    public void A_certificate_for_another_host_is_refused_at_both_ends()
    {
        HostCertificate here = Host("here");
        using TestListener listener = Listening(here);
        string called = Refusal(listener, LinkSecurity.Calling(here, "elsewhere.example")).Message;
        Assert.Contains("its certificate is for here, localhost, 127.0.0.1, not for elsewhere.example", called);
        listener.Rejections.TakeSoon();

        HostCertificate remote = Host("remote", names: ["192.0.2.1"]);
        Refusal(listener, LinkSecurity.Calling(remote, "127.0.0.1"));
        Assert.Equal("its certificate is for remote, 192.0.2.1, not for 127.0.0.1", listener.Rejections.TakeSoon());
    }

    [Fact]
    public void An_expired_certificate_is_refused()
    {
        HostCertificate here = Host("here"), old = Host("old", issued: Now.AddDays(-40), days: 30);
        using TestListener listener = Listening(here);
        Refusal(listener, LinkSecurity.Calling(old, "127.0.0.1"));
        Assert.Contains("its certificate is valid from", listener.Rejections.TakeSoon());
    }

    [Fact]
    public void Who_does_not_speak_TLS_is_turned_away_and_told_so()
    {
        using TestListener listener = Listening(Host("here"));
        LinkException plain = Refusal(listener, LinkSecurity.LoopbackOnly);
        Assert.Contains("if it wants TLS, give --certificates FOLDER", plain.Message);
        Assert.Equal("it does not speak TLS", listener.Rejections.TakeSoon());

        using TestListener open = new();
        HostCertificate here = Host("here");
        Assert.Throws<LinkException>(() => Connector.Join(
            open.EndPoint, ControlPair.Hello, null, LinkSecurity.Calling(here, "127.0.0.1")));
        Assert.NotEmpty(open.Rejections.TakeSoon());
    }

    /// <summary>Nobody has shown anything yet: whatever it sends, it is turned away and the others go on.</summary>
    [Fact]
    public void What_is_no_TLS_handshake_is_turned_away()
    {
        using TestListener listener = new(
            ProtocolLimits.Default with { HandshakeMilliseconds = 20, HandshakesPerSecond = 10_000 },
            LinkSecurity.Listening(Host("here")));
        Random random = new(5);
        for (int i = 0; i < 300; i++)
        {
            byte[] rubbish = new byte[5 + random.Next(60)];
            random.NextBytes(rubbish);
            (rubbish[0], rubbish[1]) = (22, 3);
            if (i % 3 > 0) (rubbish[2], rubbish[3], rubbish[4]) = (1, 0, (byte)random.Next(i % 3 == 1 ? 8 : 64));
            using RawPeer peer = new(listener.EndPoint, knocks: false);
            peer.Send(rubbish);
            Assert.NotEmpty(listener.Rejections.TakeSoon());
        }
    }

    [Fact]
    public void Who_says_nothing_or_goes_on_no_further_is_let_go_after_the_deadline()
    {
        using TestListener listener = new(
            ProtocolLimits.Default with { HandshakeMilliseconds = 100 }, LinkSecurity.Listening(Host("here")));
        using RawPeer silent = new(listener.EndPoint, knocks: false);
        Assert.Equal("it said nothing for 100 ms", listener.Rejections.TakeSoon());
        using RawPeer slow = new(listener.EndPoint, knocks: false);
        slow.Send(BeginningOfTls);
        Assert.Equal("the TLS handshake took longer than 100 ms", listener.Rejections.TakeSoon());
        using RawPeer plain = new(listener.EndPoint, knocks: false);
        plain.Send(ControlPair.Hello);
        Assert.Equal("it does not speak TLS", listener.Rejections.TakeSoon());
    }

    /// <summary>Each costs a thread and arithmetic, so an address gets twenty a second, and no other waits for it.
    /// </summary>
    [Fact]
    public void An_address_begins_no_more_handshakes_than_its_rate()
    {
        FakeTime time = new();
        HostCertificate here = Host("here");
        using TestListener listener = new(
            ProtocolLimits.Default with { HandshakesPerSecond = 1 }, LinkSecurity.Listening(here), time);
        using RawPeer first = new(listener.EndPoint, knocks: false), second = new(listener.EndPoint, knocks: false);
        first.Send([BeginningOfTls[0], 0, 0, 0, 0]);
        second.Send([BeginningOfTls[0], 0, 0, 0, 0]);
        listener.Rejections.TakeSoon(); // both had their turn, and said nothing of use
        listener.Rejections.TakeSoon();
        Task<(ControlLink Link, Welcome Welcome)> joining = Task.Run(() => Connector.Join(
            listener.EndPoint, ControlPair.Hello, null, LinkSecurity.Calling(here, "127.0.0.1")));
        using RawPeer barrier = new(listener.EndPoint, knocks: false);
        barrier.Send("GET /"u8);
        Assert.Equal("it does not speak TLS", listener.Rejections.TakeSoon());
        Assert.Empty(listener.Controls);
        time.Advance(TimeSpan.FromSeconds(1));
        listener.Controls.TakeSoon().Link.Refuse("Enough.");
        Assert.ThrowsAny<Exception>(() => joining.Soon());
    }

    private static ReadOnlySpan<byte> BeginningOfTls => [22, 3, 1, 2, 0, 1];

    [Fact]
    public void The_right_certificate_does_not_make_up_for_the_token()
    {
        HostCertificate here = Host("here");
        using TestListener listener = Listening(here);
        LinkException refused = Assert.Throws<LinkException>(() => Connector.Join(
            listener.EndPoint, ControlPair.Hello with { Token = "wrong" }, null,
            LinkSecurity.Calling(here, "127.0.0.1")));
        Assert.True(refused.Refused);
    }

    /// <summary>Someone on the way may put anything between two records; that ends the link and no more.</summary>
    [Theory]
    [InlineData("16000000ff")] // a version there is none of
    [InlineData("1703030000")] // an empty record
    [InlineData("170303ffff")] // longer than any
    [InlineData("1703030020000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f")] // sealed by nobody
    [InlineData("1503030002022a")] // an alert in the clear
    [InlineData("160303000400000000")] // a renegotiation
    [InlineData("474554202f20485454502f312e310d0a0d0a")]
    public void Rubbish_between_records_ends_the_link(string rubbish)
    {
        HostCertificate certificate = Host("here");
        using TestListener listener = Listening(certificate);
        using Relay relay = new(listener.EndPoint);
        Task<(ControlLink Link, Welcome Welcome)> joining = Task.Run(() => Connector.Join(
            relay.EndPoint, ControlPair.Hello, null, LinkSecurity.Calling(certificate, "127.0.0.1")));
        (_, IControlLink coordinator) = listener.Controls.TakeSoon();
        ControlRecorder atCoordinator = new(), atWorker = new();
        Welcome welcome = new(new WorkerId(1), new RunId(1, 2), new Fence(3), "{}", "data", 60_000, 20_000);
        coordinator.Accept(welcome, atCoordinator);
        using ControlLink worker = joining.Soon().Link;
        worker.Start(welcome, atWorker);
        worker.Send(new Leaving("because"));
        atCoordinator.Messages.TakeSoon(); // nothing is on its way any more
        relay.Forward(Convert.FromHexString(rubbish));
        relay.Finish();
        Assert.NotEqual(LinkEndKind.TimedOut, atCoordinator.End.Kind);
        Assert.Equal(1, atCoordinator.Ends);
        coordinator.Dispose();
        Assert.Equal(1, atWorker.End.Kind == LinkEndKind.ClosedHere ? 0 : atWorker.Ends);
    }

    private static TestListener Listening(HostCertificate certificate) =>
        new(security: LinkSecurity.Listening(certificate));

    private static LinkException Refusal(TestListener listener, LinkSecurity security) =>
        Assert.Throws<LinkException>(() => Connector.Join(listener.EndPoint, ControlPair.Hello, null, security));

    private HostCertificate Host(
        string file, string cluster = "ours", string[]? names = null, DateTimeOffset? issued = null, int days = 30)
    {
        string folder = Path.Combine(_folder.Path, cluster);
        using CertificateAuthority authority =
            CertificateAuthority.OpenOrCreate(folder, Now.AddDays(-100), 300, out _);
        authority.Issue(folder, [file, .. names ?? LocalNames], issued ?? Now, days);
        return HostCertificate.Load(folder, file);
    }

    private string MixedFolder()
    {
        string folder = Directory.CreateDirectory(Path.Combine(_folder.Path, "mixed")).FullName;
        File.Copy(Path.Combine(_folder.Path, "ours", "ca.crt"), Path.Combine(folder, "ca.crt"));
        foreach (string ending in (string[])["crt", "key"])
            File.Copy(Path.Combine(_folder.Path, "other", $"there.{ending}"), Path.Combine(folder, $"there.{ending}"));
        return folder;
    }
}
