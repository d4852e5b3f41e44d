using Xunit;

namespace Distributed.Coordinator.Tests;

/// <summary>What a chaos run does to its cluster is a function of the seed.</summary>
public sealed class FaultPlanTests
{
    private static readonly FaultKind[] Kinds = Enum.GetValues<FaultKind>();

    [Fact]
    public void ASeedAlwaysDrawsTheSamePlanAndAnotherSeedAnother()
    {
        Assert.Equal(Fault.Plan(7, 20, 1000, Kinds), Fault.Plan(7, 20, 1000, Kinds));
        Assert.NotEqual(Fault.Plan(7, 20, 1000, Kinds), Fault.Plan(8, 20, 1000, Kinds));
    }

    [Fact]
    public void EveryKindComesAtLeastOnceInOrderOfStepsAndNeverAtTheEdges()
    {
        for (ulong seed = 0; seed < 200; seed++)
        {
            IReadOnlyList<Fault> plan = Fault.Plan(seed, 10, 1000, Kinds);
            Assert.Equal(Kinds, plan.Select(fault => fault.Kind).Distinct().Order());
            Assert.Equal(plan.Select(fault => fault.At).Order(), plan.Select(fault => fault.At));
            Assert.All(plan, fault => Assert.InRange(fault.At, 50, 900));
            Assert.All(plan, fault => Assert.InRange(fault.StopMilliseconds, 500, 3_999));
        }
    }

    [Fact]
    public void AWorkerJoinsBeforeOneLeavesOrLosesItsConnection()
    {
        for (ulong seed = 0; seed < 200; seed++)
        {
            FaultKind[] plan = [.. Fault.Plan(seed, 12, 1000, Kinds).Select(fault => fault.Kind)];
            int added = Array.IndexOf(plan, FaultKind.AddWorker);
            Assert.True(added < Array.IndexOf(plan, FaultKind.RemoveWorker), $"seed {seed}");
            Assert.True(added < Array.IndexOf(plan, FaultKind.BreakConnections), $"seed {seed}");
        }
    }

    [Fact]
    public void InALongPlanTheCoordinatorIsSparedButForAFewTimes()
    {
        for (ulong seed = 0; seed < 50; seed++)
        {
            IReadOnlyList<Fault> plan = Fault.Plan(seed, 300, 1_200_000, Kinds, isLong: true);
            Assert.Equal(300, plan.Count);
            Assert.Equal(2, plan.Count(fault => fault.Kind == FaultKind.KillCoordinator));
            Assert.Equal(2, plan.Count(fault => fault.Kind == FaultKind.CorruptCheckpoint));
            Assert.Equal(Kinds, plan.Select(fault => fault.Kind).Distinct().Order());
        }
    }

    [Fact]
    public void FewerFaultsThanKindsAreTheFirstKinds() =>
        Assert.Equal([FaultKind.KillWorker, FaultKind.StopWorker],
            Fault.Plan(1, 2, 1000, Kinds).Select(fault => fault.Kind).Order());
}
