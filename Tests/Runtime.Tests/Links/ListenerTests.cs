using System.Net;
using Distributed.Protocol;
using Xunit;

namespace Distributed.Runtime.Tests;

public class ListenerTests
{
    private static readonly ProtocolLimits Hasty = new()
    {
        HandshakeMilliseconds = 150,
        AnswerMilliseconds = 150,
    };

    [Fact]
    public void A_wrong_token_is_refused_in_words()
    {
        using TestListener listener = new();
        Hello hello = ControlPair.Hello with { Token = "wrong" };
        LinkException refused = Assert.Throws<LinkException>(() => Connector.Join(listener.EndPoint, hello));
        Assert.Equal("The token is not this run's.", refused.Message);
        Assert.True(refused.Refused);
        DataHello data = DataPair.Hello with { Token = "" };
        refused = Assert.Throws<LinkException>(() => Connector.OpenSocket(listener.EndPoint, data));
        Assert.Equal("The token is not this run's.", refused.Message);
        SamplesHello samples = SamplesPair.Hello(0) with { Token = "wrong" };
        refused = Assert.Throws<LinkException>(() => Connector.OpenSamples(listener.EndPoint, samples));
        Assert.Equal("The token is not this run's.", refused.Message);
        for (int rejected = 0; rejected < 3; rejected++)
            Assert.Equal("The token is not this run's", listener.Rejections.TakeSoon());
        Assert.Empty(listener.Controls);
        Assert.Empty(listener.Datas);
        Assert.Empty(listener.Samples);
    }

    [Fact]
    public void Another_protocol_is_refused_naming_both_versions()
    {
        using TestListener listener = new();
        Hello hello = ControlPair.Hello with { Protocol = 7, Program = "0.9.0" };
        LinkException refused = Assert.Throws<LinkException>(() => Connector.Join(listener.EndPoint, hello));
        Assert.Equal($"The coordinator speaks protocol {ProtocolVersion.Current} and the worker (program 0.9.0) "
            + "speaks 7; run the same version on both.", refused.Message);
    }

    [Fact]
    public void The_owners_refusal_reaches_the_worker()
    {
        using TestListener listener = new();
        Task<LinkException> joining = Task.Run(() =>
            Assert.Throws<LinkException>(() => Connector.Join(listener.EndPoint, ControlPair.Hello)));
        listener.Controls.TakeSoon().Link.Refuse("No room.");
        Assert.Equal("No room.", joining.Soon().Message);

        Task<LinkException> opening = Task.Run(() =>
            Assert.Throws<LinkException>(() =>
                Connector.OpenData(listener.EndPoint, DataPair.Hello, default, new MessagePool())));
        listener.Datas.TakeSoon().Link.Refuse("Another run.");
        Assert.True(opening.Soon().Refused);
    }

    [Fact]
    public void A_port_in_use_is_one_clear_sentence()
    {
        using TestListener listener = new();
        LinkException taken = Assert.Throws<LinkException>(() => Listener.Open(listener.EndPoint, "x", listener));
        Assert.Equal($"Port {listener.EndPoint.Port} on 127.0.0.1 is in use; choose another, or 0 for any free one.",
            taken.Message);
    }

    [Fact]
    public void Only_loopback_is_allowed()
    {
        using TestListener listener = new();
        IPEndPoint outside = new(IPAddress.Parse("192.0.2.1"), 1234);
        Assert.Contains("not a loopback address",
            Assert.Throws<LinkException>(() => Listener.Open(outside, "x", listener)).Message);
        Assert.Contains("not a loopback address",
            Assert.Throws<LinkException>(() => Connector.Join(outside, ControlPair.Hello)).Message);
    }

    [Fact]
    public void Nobody_there_is_one_clear_sentence()
    {
        TestListener listener = new();
        IPEndPoint endPoint = listener.EndPoint;
        listener.Dispose();
        LinkException nobody = Assert.Throws<LinkException>(() => Connector.Join(endPoint, ControlPair.Hello));
        Assert.Equal($"No coordinator listens at {endPoint}.", nobody.Message);
        Assert.False(nobody.Refused);
    }

    [Fact]
    public void A_coordinator_that_never_answers_is_given_up()
    {
        using TestListener listener = new();
        LinkException silent = Assert.Throws<LinkException>(() =>
            Connector.Join(listener.EndPoint, ControlPair.Hello, Hasty));
        Assert.Equal($"The coordinator at {listener.EndPoint} did not answer: the handshake took longer than 150 ms.",
            silent.Message);
    }
}
