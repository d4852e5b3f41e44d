using Distributed.Numerics.Reference;

namespace Distributed.Numerics.Tests;

/// <summary>Every group is a convolution of its own channels, and of no others.</summary>
public class GroupedConvolutionTests
{
    private const int Batch = 3;

    public static TheoryData<ConvolutionShape, int> Shapes => new()
    {
        { new(7, 6, 3, 5, 3, 3, 1, 1, 1, 1), 1 }, { new(7, 6, 3, 5, 3, 3, 1, 1, 1, 1), 4 },
        { new(9, 8, 16, 32, 3, 3, 1, 1, 1, 1), 2 }, { new(8, 8, 1, 2, 3, 2, 2, 1, 1, 0), 17 },
        { new(5, 5, 20, 8, 1, 1), 3 }, { new(10, 9, 17, 18, 5, 5, 1, 1, 2, 2), 2 },
    };

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Groups_are_convolutions_of_their_own(ConvolutionShape group, int groups)
    {
        int inputs = groups * group.InChannels, outputs = groups * group.OutChannels;
        ConvolutionShape s = group with { InPitch = inputs, OutPitch = outputs };
        foreach (ConvolutionMode mode in Enum.GetValues<ConvolutionMode>())
        {
            var kernels = new GroupedConvolution(s, s, s, groups, mode, Batch);
            float[] x = TestData.Random(Batch * s.InputStep), w = TestData.Random(groups * s.WeightLength, 1);
            float[] dy = TestData.Random(Batch * s.OutputStep, 2), bias = TestData.Random(outputs, 3);
            float[] y = TestData.Dirty(dy.Length), dx = TestData.Dirty(x.Length), dw = TestData.Dirty(w.Length);
            float[] packed = TestData.Dirty(kernels.ForwardPackedLength);
            kernels.PackForward(w, packed);
            kernels.Forward(Batch, x, packed, bias, y, true, TestData.Dirty(kernels.ForwardScratchLength));
            packed = TestData.Dirty(kernels.BackwardPackedLength);
            kernels.PackBackward(w, packed);
            kernels.BackwardData(
                Batch, dy, packed, dx, TestData.Dirty(kernels.BackwardDataScratchLength), accumulate: false);
            kernels.BackwardWeights(Batch, x, dy, dw, TestData.Dirty(kernels.BackwardWeightsScratchLength));
            // Winograd's errors are a few times those of direct sums.
            int taps = 8 * s.KernelHeight * s.KernelWidth * Math.Max(s.InChannels, s.OutChannels);
            for (int g = 0; g < groups; g++)
            {
                float[] gx = Channels(x, g, s.InChannels, inputs), gdy = Channels(dy, g, s.OutChannels, outputs);
                float[] gw = w[(g * s.WeightLength)..((g + 1) * s.WeightLength)];
                float[] gb = bias[(g * s.OutChannels)..((g + 1) * s.OutChannels)];
                TestData.AssertClose(ReferenceConvolution.Forward(group, Batch, gx, gw, gb, true),
                    Channels(y, g, s.OutChannels, outputs), taps, $"{mode} {s}");
                TestData.AssertClose(ReferenceConvolution.BackwardData(group, Batch, gdy, gw),
                    Channels(dx, g, s.InChannels, inputs), taps, $"{mode} {s}");
                TestData.AssertClose(ReferenceConvolution.BackwardWeights(group, Batch, gx, gdy),
                    dw[(g * s.WeightLength)..((g + 1) * s.WeightLength)],
                    8 * Batch * s.OutHeight * s.OutWidth, $"{mode} {s}");
            }
        }
    }

    private static float[] Channels(float[] values, int group, int channels, int pitch) =>
        [.. values.Where((_, i) => i % pitch / channels == group)];
}
