using Xunit;

namespace Distributed.Learning.Tests;

/// <summary>
/// Every layer's gradient against central differences of the loss, for every parameter. Where a ReLU or a maximum
/// switches sides within the difference there is no derivative to compare with: such kinks are told by first and second
/// differences over two widths that don't agree, and few are allowed.
/// </summary>
public sealed class LayerGradientTests
{
    private const int Samples = 6;
    private const float Width = 1f / 128;

    public static TheoryData<string> Models => TestModels.Names;

    [Theory]
    [MemberData(nameof(Models))]
    public void GradientIsTheDerivativeOfTheLoss(string name)
    {
        using var run = new PlanRun(TestModels.Find(name), Samples);
        // Biases off zero, so that a forgotten bias shows.
        foreach (var entry in run.Plan.Parameters.Entries)
        {
            for (var i = entry.Offset; i < entry.Offset + entry.Length; i++)
                run.Parameters.Span[i] += 0.1f * (i % 3 - 1);
        }
        run.Prepare();
        run.Load(first: 0, Samples);
        var loss = run.Train(Samples).LossSum;
        var gradient = run.Gradient.Span.ToArray();
        var (compared, kinks) = (0, 0);
        foreach (var entry in run.Plan.Parameters.Trainable)
        {
            for (var i = entry.Offset; i < entry.Offset + entry.Length; i++)
            {
                var (first, bend) = Differences(run, i, Width, loss);
                var (halfFirst, halfBend) = Differences(run, i, Width / 2, loss);
                var scale = 1 + Math.Abs(halfFirst);
                if (Math.Abs(first - halfFirst) + Math.Abs(bend - 2 * halfBend) > 2e-3 * scale)
                {
                    kinks++;
                    continue;
                }
                compared++;
                Assert.True(
                    Math.Abs(gradient[i] - halfFirst) <= 2e-3 * scale,
                    $"{entry.Name}[{i - entry.Offset}]: gradient {gradient[i]}, differences {halfFirst}");
            }
        }
        Assert.True(compared > 4 * kinks, $"{compared} elements compared, {kinks} left out at kinks");
    }

    /// <summary>The central first difference of the loss, and the right slope less the left one.</summary>
    private static (double First, double Bend) Differences(PlanRun run, int index, float width, double loss)
    {
        var middle = run.Parameters.Span[index];
        var right = (LossAt(run, index, middle + width) - loss) / ((double)(middle + width) - middle);
        var left = (loss - LossAt(run, index, middle - width)) / (middle - (double)(middle - width));
        run.Parameters.Span[index] = middle;
        return ((right + left) / 2, right - left);
    }

    private static double LossAt(PlanRun run, int index, float value)
    {
        run.Parameters.Span[index] = value;
        run.Prepare();
        return run.Train(Samples).LossSum;
    }
}
