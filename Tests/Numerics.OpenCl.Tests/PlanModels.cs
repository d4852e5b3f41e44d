namespace Distributed.Learning.Tests;

/// <summary>
/// Networks for plans on a device. They stand in the layers' namespace, whose names are also kernels'.
/// </summary>
internal static class PlanModels
{
    /// <summary>
    /// Norms left to their reader and with a sum behind, a sum of its own, a pool that takes the mask, a growing
    /// concatenation. Most convolutions are of one shape, because compiling takes the test's time.
    /// </summary>
    public static readonly Model Residuals = TestModels.Of(
        "residuals", 4, 4, 4,
        Same(bias: false), new BatchNorm2d(), new Relu(),
        Same(bias: false), new Relu(),
        new Residual(new Sequential(
            Same(bias: false), new BatchNorm2d(), new Relu(), Same(bias: false), new BatchNorm2d())),
        new Relu(),
        new Residual(new Sequential(new Relu(), new MaxPool2d(3) { Stride = 1, Padding = 1 })),
        new Concat(new Sequential(), new Sequential(new Relu(), Same(bias: true))),
        new Conv2d(4, 1), new Relu(), new MaxPool2d(2), new AvgPool2d(2), new Flatten(), new Linear(10));

    public static readonly Model Smooth = TestModels.Of(
        "smooth", 4, 4, 4,
        Same(bias: false), new BatchNorm2d(), new Tanh(), Same(bias: false), new LocalResponseNorm(3) { Alpha = 1 },
        new Residual(new Sequential(new DepthwiseConv2d(3) { Padding = 1 }, new Gelu())),
        new AvgPool2d(2), new Flatten(), new Linear(10));

    private static Conv2d Same(bool bias) => new(4, 3) { Padding = 1, Bias = bias };
}
