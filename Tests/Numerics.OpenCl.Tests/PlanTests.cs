using Distributed.Learning;
using Distributed.Learning.Tests;
using Xunit;

namespace Distributed.Numerics.OpenCl.Tests;

/// <summary>Whole plans on a device, beside the same plans on the CPU.</summary>
public sealed class PlanTests
{
    private const int Samples = 6;

    [DeviceTheory]
    [InlineData("residuals")]
    [InlineData("smooth")]
    [InlineData("activations that add to gradients, in a concatenation")]
    public void AStepIsTheCpus(string name)
    {
        using PlanPair pair = new(Find(name), Samples);
        pair.Load(Samples);
        pair.AssertTrainsAlike(Samples, labelSmoothing: 0.1f, new SampleKeys(3, 2, [4, 8, 15, 16, 23, 42]));
        // The last micro-batch of an epoch is short.
        pair.AssertTrainsAlike(Samples - 1, labelSmoothing: 0, default);
        pair.AssertEvaluatesAlike(Samples);
    }

    /// <summary>The device's gradient is the derivative of the device's loss, along random directions.</summary>
    [DeviceFact]
    public void GradientIsTheDerivativeOfTheLoss()
    {
        using PlanPair pair = new(PlanModels.Smooth, Samples);
        pair.Load(Samples);
        float[] start = pair.Parameters, gradient = pair.Device.Train(start, Samples).Gradient;
        for (int direction = 0; direction < 4; direction++)
        {
            const float Width = 1f / 1024;
            float[] step = DeviceRun.Random(pair.Plan.Parameters.TrainableLength, direction);
            double Loss(float width)
            {
                float[] moved = [.. start];
                for (int i = 0; i < step.Length; i++) moved[i] += width * step[i];
                return pair.Device.Train(moved, Samples).Result.LossSum;
            }

            double expected = 0;
            foreach (ParameterEntry entry in pair.Plan.Parameters.Trainable)
            {
                for (int i = entry.Offset; i < entry.Offset + entry.Length; i++)
                    expected += (double)gradient[i] * step[i];
            }

            double found = (Loss(Width) - Loss(-Width)) / (2 * Width);
            Assert.Equal(expected, found, 0.02 * (1 + Math.Abs(expected)));
        }
    }

    private static Model Find(string name) =>
        Array.Find([PlanModels.Residuals, PlanModels.Smooth], model => model.Name == name) ?? TestModels.Find(name);
}
