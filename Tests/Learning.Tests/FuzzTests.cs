using Distributed.Fuzz;
using Distributed.Tests;
using Xunit;

namespace Distributed.Learning.Tests;

/// <summary>Whatever a model's file holds: it is a model that compiles and is written as it was read, or refused in one
/// clear sentence.</summary>
public class FuzzTests
{
    [Fact]
    public void AnyModelFileIsAModelOrRefusedInOneSentence()
    {
        using ModelJsonTarget target = new();
        FuzzProperties.Hold(target, 2_000);
    }
}
