using Distributed.Fuzz;
using Xunit;

namespace Distributed.Runtime.Tests;

/// <summary>Whatever a stranger says first, and whatever a peer sends that was let in, over real sockets: it is
/// understood, or ends that connection with one clear sentence, and no other.</summary>
public class FuzzTests
{
    [Fact]
    public void Whatever_a_stranger_says_it_is_let_in_or_turned_away()
    {
        using HandshakeTarget target = new();
        FuzzProperties.Hold(target, 300);
    }

    /// <summary>A stranger's own words don't break the log into lines, nor fill it.</summary>
    [Fact]
    public void A_stranger_quoted_in_the_log_stays_on_its_line()
    {
        using TestListener listener = new();
        using RawPeer stranger = new(listener.EndPoint);
        stranger.Send(ControlPair.Hello with { Protocol = 1, Program = "a\n\u001b[31m" + new string('b', 10_000) });
        string reason = listener.Rejections.TakeSoon();
        Assert.Contains("(program a ?[31mbbb", reason);
        Assert.DoesNotContain(reason, char.IsControl);
        Assert.InRange(reason.Length, 1, Judge.LongestSentence);
    }

    [Fact]
    public void Whatever_a_peer_sends_its_link_goes_on_or_ends()
    {
        using FramesTarget target = new();
        FuzzProperties.Hold(target, 300);
    }
}
