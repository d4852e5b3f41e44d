using Xunit;
using Xunit.Abstractions;

namespace Distributed.Simulation;

/// <summary>The simulation finds mistakes: each of these, put into the source, fails within 2,000 seeds.</summary>
public sealed class MutantTests(ITestOutputHelper output)
{
    private const int Seeds = 2000;

    public static TheoryData<string> Names => [.. Mutant.All.Select(mutant => mutant.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void A_mistake_is_found(string name)
    {
        Func<int, string?> failure = MutantBuild.Of(Mutant.All.Single(mutant => mutant.Name == name));
        for (int seed = 1; seed <= Seeds; seed++)
        {
            if (failure(seed) is not { } found) continue;
            output.WriteLine($"seed {seed}: {found}");
            return;
        }

        Assert.Fail($"{Seeds} seeds ran well although {name}.");
    }
}
