using Xunit;

namespace Distributed.Cluster;

#if AKKA_ENGINE
/// <summary>The same on Akka: the reference is a run of the local engine.</summary>
[Collection(ReferenceCollection.Name)]
public sealed class AkkaSameBitsTests(ReferenceRun reference) : SameBitsTests(reference, "akka");
#else
/// <summary>Says that this build can't test it.</summary>
public sealed class AkkaSameBitsTests
{
    [Fact(Skip = "Akka engine: not in this build (Scripts/with-akka)")]
    public void TheSameOnAkka() => Assert.Fail("skipped");
}
#endif
