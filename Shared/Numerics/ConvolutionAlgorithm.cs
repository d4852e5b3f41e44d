namespace Distributed.Numerics;

/// <summary>Which algorithms may compute convolutions.</summary>
public enum ConvolutionMode
{
    /// <summary>The fastest: Winograd's where they pay, within a few units of direct ones' error.</summary>
    Winograd,

    /// <summary>Winograd's with output tiles of 2 x 2 alone, which are as accurate as direct ones.</summary>
    Strict,

    /// <summary>Direct ones alone.</summary>
    Direct,
}

/// <summary>How a convolution, or one of its gradients, is computed.</summary>
public enum ConvolutionAlgorithm
{
    /// <summary>By its definition: <see cref="ConvolutionForward"/> and its gradients.</summary>
    Direct,

    /// <summary>Winograd's minimal filtering with output tiles of 2 x 2, for kernels of 3 x 3 and 5 x 5.</summary>
    Winograd2x2,

    /// <summary>Winograd's minimal filtering with output tiles of 4 x 4, for kernels of 3 x 3.</summary>
    Winograd4x4,
}

/// <summary>The algorithms that compute a convolution and its gradients.</summary>
public readonly record struct ConvolutionAlgorithms(
    ConvolutionAlgorithm Forward, ConvolutionAlgorithm BackwardData, ConvolutionAlgorithm BackwardWeights)
{
    // With fewer channels the tiles' transforms cost more than they save.
    private const int LeastChannels = 8, LeastChannelsOf5x5 = 16;

    /// <summary>
    /// The algorithms for a shape, from what was measured on one machine, and a function of extents and mode alone, so
    /// that all machines choose the same.
    /// </summary>
    public static ConvolutionAlgorithms Choose(in ConvolutionShape s, ConvolutionMode mode)
    {
        ConvolutionAlgorithm forward = Choose(s, mode, s.OutHeight, s.OutWidth);
        ConvolutionAlgorithm backwardData = Choose(s, mode, s.InHeight, s.InWidth);
        return new ConvolutionAlgorithms(forward, backwardData, forward);
    }

    private static ConvolutionAlgorithm Choose(in ConvolutionShape s, ConvolutionMode mode, int height, int width)
    {
        int channels = Math.Min(s.InChannels, s.OutChannels);
        bool possible = mode != ConvolutionMode.Direct && Winograd.Exists(s, ConvolutionAlgorithm.Winograd2x2);
        if (!possible || channels < (s.KernelHeight == 3 ? LeastChannels : LeastChannelsOf5x5))
            return ConvolutionAlgorithm.Direct;
        if (s.KernelHeight == 5)
            return mode == ConvolutionMode.Strict ? ConvolutionAlgorithm.Direct : ConvolutionAlgorithm.Winograd2x2;
        // Multiplications: 36 for every tile of 4 x 4, 16 for every one of 2 x 2, one for every tap.
        long large = 36L * Tiles(height, 4) * Tiles(width, 4), small = 16L * Tiles(height, 2) * Tiles(width, 2);
        long direct = 9L * s.OutHeight * s.OutWidth;
        if (2 * direct < 3 * (mode == ConvolutionMode.Strict ? small : Math.Min(small, large)))
            return ConvolutionAlgorithm.Direct;
        return mode == ConvolutionMode.Strict || small < large
            ? ConvolutionAlgorithm.Winograd2x2
            : ConvolutionAlgorithm.Winograd4x4;
    }

    private static int Tiles(int extent, int size) => (extent + size - 1) / size;
}
