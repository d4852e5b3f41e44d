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

    [Fact]
    public void Whatever_a_peer_sends_its_link_goes_on_or_ends()
    {
        using FramesTarget target = new();
        FuzzProperties.Hold(target, 300);
    }
}
