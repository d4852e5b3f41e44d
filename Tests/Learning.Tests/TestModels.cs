using Xunit;

namespace Distributed.Learning.Tests;

/// <summary>Small networks that between them hold every layer in every role. A new layer adds a row.</summary>
internal static class TestModels
{
    public static readonly Model[] Rows =
    [
        Of("linear", 1, 2, 3, new Flatten(), new Linear(10)),
        Of("linear without bias", 2, 2, 2, new Flatten(), new Linear(7) { Bias = false }, new Relu(), new Linear(10)),
        Of("convolution", 2, 6, 5, new Conv2d(4, 3), new Flatten(), new Linear(10)),
        Of("convolution with stride, padding, no bias", 3, 7, 6,
            new Conv2d(5, new Size2d(3, 2)) { Stride = new Size2d(2, 1), Padding = new Size2d(1, 0), Bias = false },
            new Conv2d(3, 2) { Stride = 2, Padding = 1 }, new Flatten(), new Linear(10)),
        Of("fused ReLU", 2, 6, 6,
            new Conv2d(6, 3), new Relu(), new Conv2d(4, 3), new Relu(), new Flatten(),
            new Linear(8), new Relu(), new Linear(10)),
        Of("ReLU behind flatten and behind ReLU", 1, 5, 5,
            new Conv2d(4, 3), new Flatten(), new Relu(), new Relu(), new Linear(10)),
        Of("ReLU of the input", 1, 4, 4, new Relu(), new Conv2d(4, 3), new Flatten(), new Linear(10)),
        Of("pool of the input", 2, 6, 6, new MaxPool2d(2), new Conv2d(3, 2), new Flatten(), new Linear(10)),
        Of("pool behind convolution", 2, 6, 6, new Conv2d(4, 3), new MaxPool2d(2), new Flatten(), new Linear(10)),
        Of("pool behind fused ReLU", 2, 8, 8,
            new Conv2d(4, 3), new Relu(), new MaxPool2d(2), new Conv2d(4, 2), new Relu(), new Flatten(),
            new Linear(10)),
        Of("pool without bias in front", 1, 6, 6,
            new Conv2d(4, 3) { Bias = false }, new Relu(), new MaxPool2d(2), new Flatten(), new Linear(10)),
        Of("overlapping padded pool, ReLU and pool behind it", 2, 9, 9,
            new Conv2d(4, 3), new MaxPool2d(3) { Stride = 2, Padding = 1 }, new Relu(), new MaxPool2d(new Size2d(1, 2)),
            new Flatten(), new Linear(10)),
        Of("residual, identity and projection", 2, 4, 4,
            new Conv2d(3, 3) { Padding = 1 },
            new Residual(new Sequential(new Relu(), new Conv2d(3, 3) { Padding = 1 })),
            new Residual(
                new Sequential(new Conv2d(5, 3) { Stride = 2, Padding = 1 }, new Conv2d(5, 1)),
                new Sequential(new Conv2d(5, 1) { Stride = 2 })),
            new Relu(),
            new Flatten(), new Linear(10)),
        Of("residual of residuals, of the input, of nothing but a ReLU, flat", 1, 4, 4,
            new Residual(new Sequential(new Conv2d(1, 3) { Padding = 1 })),
            new Residual(
                new Sequential(new Residual(new Sequential(new Relu())), new MaxPool2d(2)),
                new Sequential(new Conv2d(1, 2) { Stride = 2 })),
            new Residual(new Sequential(
                new Residual(new Sequential(new Conv2d(1, 1), new Relu())),
                new Residual(new Sequential(new MaxPool2d(1))))),
            new Flatten(), new Linear(6), new Residual(new Sequential(new Relu(), new Linear(6))), new Linear(10)),
        Of("batch norm of the input, without and with ReLU", 2, 4, 5,
            new BatchNorm2d(), new Conv2d(9, 2) { Bias = false }, new BatchNorm2d(),
            new Conv2d(3, 2), new BatchNorm2d { Epsilon = 0.01, Momentum = 1 }, new Relu(), new Flatten(),
            new Linear(10)),
        Of("batch norm behind pool and ReLU, and twice", 1, 6, 6,
            new Conv2d(12, 3), new Relu(), new BatchNorm2d(), new MaxPool2d(2), new BatchNorm2d(), new BatchNorm2d(),
            new Flatten(), new Linear(10)),
        Of("batch norm with ReLU left to the convolution behind", 2, 8, 8,
            new Conv2d(8, 3) { Padding = 1, Bias = false }, new BatchNorm2d(), new Relu(),
            new Conv2d(9, 3) { Padding = 1 }, new AvgPool2d(2), new Flatten(), new Linear(10)),
        Of("residual with batch norms", 2, 4, 4,
            new Conv2d(8, 3) { Padding = 1, Bias = false }, new BatchNorm2d(),
            new Residual(new Sequential(
                new Conv2d(8, 3) { Padding = 1, Bias = false }, new BatchNorm2d(), new Relu(),
                new Conv2d(8, 1) { Bias = false }, new BatchNorm2d())),
            new Relu(),
            new Residual(
                new Sequential(new Conv2d(10, 2) { Stride = 2, Bias = false }, new BatchNorm2d()),
                new Sequential(new Conv2d(10, 1) { Stride = 2, Bias = false }, new BatchNorm2d())),
            new Flatten(), new Linear(10)),
        Of("residual whose batch norms can't take the sum", 1, 4, 4,
            new Residual(new Sequential(new BatchNorm2d())),
            new Residual(new Sequential(
                new Residual(new Sequential(new BatchNorm2d(), new Conv2d(1, 1))),
                new Residual(new Sequential(new Conv2d(1, 1), new BatchNorm2d())))),
            new Residual(new Sequential(new Conv2d(1, 1), new BatchNorm2d(), new Relu())),
            new Flatten(), new Linear(10)),
        Of("average pools", 2, 9, 7,
            new AvgPool2d(2), new Conv2d(9, 2), new AvgPool2d(new Size2d(3, 2)) { Stride = 1, Padding = 1 },
            new GlobalAvgPool(), new Flatten(), new Linear(10)),
        Of("nested", 1, 6, 6,
            new Sequential(new Conv2d(3, 3), new Sequential(new Relu())),
            new Sequential(new Flatten(), new Linear(10))),
        Of("concatenated branches", 2, 6, 6,
            new Conv2d(3, 3) { Padding = 1 },
            new Concat(
                new Sequential(new Conv2d(4, 3) { Padding = 1 }, new Relu()),
                new Sequential(new Conv2d(2, 1) { Bias = false }, new MaxPool2d(2) { Stride = 1, Padding = 1 },
                    new Conv2d(2, 2) { Bias = false }),
                new Sequential(new Relu())),
            new Conv2d(5, 2), new Flatten(), new Linear(10)),
        Of("dense block", 2, 5, 5,
            new Conv2d(4, 3) { Padding = 1, Bias = false }, Dense(), Dense(), new Relu(), Dense(),
            new Conv2d(4, 1), Dense(), new MaxPool2d(2), new Flatten(), new Linear(10)),
        Of("dense block of batch norms", 2, 4, 4,
            new Conv2d(3, 3) { Padding = 1, Bias = false }, NormDense(), NormDense(), new BatchNorm2d(), new Relu(),
            new Conv2d(4, 1), new Concat(new Sequential(), new Sequential(new Conv2d(3, 1), new BatchNorm2d())),
            new Flatten(), new Linear(10)),
        Of("depthwise convolutions", 2, 6, 5,
            new Conv2d(5, 2), new DepthwiseConv2d(3) { Padding = 1 }, new Relu(), new Conv2d(6, 1),
            new DepthwiseConv2d(new Size2d(2, 3)) { Stride = 2, Padding = new Size2d(0, 1), Bias = false },
            new Flatten(), new Linear(10)),
        Of("convolutions of groups, also in a concatenation", 2, 6, 5,
            new Conv2d(8, 2) { Groups = 2 }, new Conv2d(12, 3) { Groups = 4, Padding = 1, Bias = false }, new Relu(),
            new Concat(
                new Sequential(new Conv2d(6, 3) { Groups = 3, Padding = 1 }), new Sequential(new Conv2d(2, 1))),
            new Conv2d(4, 2) { Groups = 2, Stride = 2 }, new Flatten(), new Linear(10)),
        Of("pools whose size is rounded up", 2, 8, 7,
            new Conv2d(3, 2), new MaxPool2d(2) { CeilMode = true }, new Conv2d(4, 1),
            new MaxPool2d(3) { Stride = 2, Padding = 1, CeilMode = true }, new Flatten(), new Linear(10)),
        Of("activations", 2, 4, 4,
            new Conv2d(3, 3), new LeakyRelu { Slope = 0.1 },
            new Conv2d(3, 1) { Initialization = Initialization.Glorot }, new Gelu(),
            new Conv2d(3, 1), new Tanh(), new Dropout(), new Conv2d(4, 1), new Sigmoid(), new Flatten(),
            new Linear(10) { Initialization = Initialization.Constant(0.125f) }),
        Of("activations that add to gradients, in a concatenation", 2, 4, 4,
            new Conv2d(3, 3),
            new Concat(
                new Sequential(new LeakyRelu()), new Sequential(new Gelu()), new Sequential(new Tanh()),
                new Sequential(new Sigmoid()), new Sequential(new Dropout(0.25)), new Sequential(),
                new Sequential(new LocalResponseNorm(2) { Alpha = 0.5 })),
            new Flatten(), new Linear(10)),
        Of("local response norms", 2, 4, 4,
            new Conv2d(7, 3), new LocalResponseNorm(5) { Alpha = 1, K = 2 },
            new LocalResponseNorm(4) { Alpha = 0.5, Beta = 0.6 }, new Flatten(), new Linear(10)),
        Of("concatenation of the input, of a branch twice, in a residual layer", 2, 5, 5,
            new Concat(new Sequential(), new Sequential(new Conv2d(3, 3) { Padding = 1 })),
            new Residual(new Sequential(Dense(), new Conv2d(5, 1))),
            new Concat(new Sequential(), new Sequential(), new Sequential(Dense(), Dense(), new Conv2d(2, 1))),
            new Residual(new Sequential(new Concat(
                new Sequential(new Conv2d(5, 1), new Relu()), new Sequential(new Conv2d(7, 1))))),
            new Concat(
                new Sequential(new Residual(new Sequential(new Conv2d(12, 1)))), new Sequential(new Conv2d(1, 1))),
            new Flatten(), new Linear(10)),
    ];

    public static TheoryData<string> Names => [.. Rows.Select(row => row.Name)];

    public static Model Find(string name) => Rows.Single(row => row.Name == name);

    public static Model Of(string name, int channels, int height, int width, params Layer[] layers) =>
        new(name, channels, height, width, 10, new Sequential(layers));

    private static Concat Dense() =>
        new(new Sequential(), new Sequential(new Relu(), new Conv2d(3, 3) { Padding = 1, Bias = false }));

    private static Concat NormDense() =>
        new(new Sequential(), new Sequential(
            new BatchNorm2d(), new Relu(), new Conv2d(3, 3) { Padding = 1, Bias = false }));
}
