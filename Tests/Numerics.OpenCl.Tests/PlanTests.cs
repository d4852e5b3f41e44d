using Distributed.Learning;
using Distributed.Learning.Tests;
using Xunit;

namespace Distributed.Numerics.OpenCl.Tests;

/// <summary>Whole plans on a device, beside the same plans on the CPU.</summary>
public sealed class PlanTests
{
    private const int Samples = 6;

    /// <summary>
    /// Norms left to their reader and with a sum behind, a sum of its own, a pool that takes the mask, a growing
    /// concatenation. Most convolutions are of one shape, because compiling takes the test's time.
    /// </summary>
    private static readonly Model Residuals = TestModels.Of(
        "residuals", 4, 4, 4,
        Same(bias: false), new BatchNorm2d(), new Relu(),
        Same(bias: false), new Relu(),
        new Residual(new Sequential(
            Same(bias: false), new BatchNorm2d(), new Relu(), Same(bias: false), new BatchNorm2d())),
        new Relu(),
        new Residual(new Sequential(new Relu(), new MaxPool2d(3) { Stride = 1, Padding = 1 })),
        new Concat(new Sequential(), new Sequential(new Relu(), Same(bias: true))),
        new Conv2d(4, 1), new Relu(), new MaxPool2d(2), new AvgPool2d(2), new Flatten(), new Linear(10));

    private static readonly Model Smooth = TestModels.Of(
        "smooth", 4, 4, 4,
        Same(bias: false), new BatchNorm2d(), new Tanh(), Same(bias: false), new LocalResponseNorm(3) { Alpha = 1 },
        new Residual(new Sequential(new DepthwiseConv2d(3) { Padding = 1 }, new Gelu())),
        new AvgPool2d(2), new Flatten(), new Linear(10));

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
        using PlanPair pair = new(Smooth, Samples);
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

    private static Conv2d Same(bool bias) => new(4, 3) { Padding = 1, Bias = bias };

    private static Model Find(string name) =>
        Array.Find([Residuals, Smooth], model => model.Name == name) ?? TestModels.Find(name);
}
