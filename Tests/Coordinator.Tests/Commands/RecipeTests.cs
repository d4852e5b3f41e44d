using Distributed.Execution;
using Distributed.Learning;
using Xunit;

namespace Distributed.Coordinator.Tests;

/// <summary>The specification files under Scripts/recipes, with which the README measured its results.</summary>
public sealed class RecipeTests
{
    public static TheoryData<string> Recipes =>
        [.. Directory.EnumerateFiles(Folder, "*.json").Select(path => Path.GetFileName(path)!)];

    private static string Folder => Path.Combine(AppContext.BaseDirectory, "recipes");

    [Theory]
    [MemberData(nameof(Recipes))]
    public async Task ARecipeIsTakenAsItStands(string recipe)
    {
        string path = Path.Combine(Folder, recipe);
        TrainOptions options = await CommandRun.Options("--spec", path);
        RunSpecification taken = options.Specification;

        Assert.Equal(RunSpecification.FromJson(File.ReadAllText(path), path), taken);
        Assert.Null(taken.Data.Sha256);
        Assert.True(ExecutionPlan.Compile(taken.Model, taken.MicroBatch, taken.Convolution).MultiplyAdds > 0);
    }
}
