using Xunit;

namespace Distributed.Learning.Tests;

public sealed class ConcatTests
{
    /// <summary>The whole block is one buffer: each layer's output lies where the last concatenation has it.</summary>
    [Fact]
    public void ADenseBlockCopiesNothing()
    {
        var plan = ExecutionPlan.Compile(TestModels.Find("dense block"), 2);
        Assert.DoesNotContain(plan.Steps, step => step is CopyStep);
    }

    [Fact]
    public void OnlyWhatMustBeCopiedIs()
    {
        var plan = ExecutionPlan.Compile(
            TestModels.Find("concatenation of the input, of a branch twice, in a residual layer"), 2);
        // The model's input; in the residual layers, what the shortcut reads later; the second and the held identity.
        Assert.Equal(6, plan.Steps.Count(step => step is CopyStep));
    }
}
