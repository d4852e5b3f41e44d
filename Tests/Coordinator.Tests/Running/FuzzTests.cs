using Distributed.Fuzz;
using Xunit;

namespace Distributed.Coordinator.Tests;

/// <summary>Whatever the JSON files of a run hold: they are read, or refused in one clear sentence.</summary>
public class FuzzTests
{
    [Fact]
    public void AnyRunFileIsReadOrRefusedInOneSentence()
    {
        using RunJsonTarget target = new();
        FuzzProperties.Hold(target, 500);
    }
}
