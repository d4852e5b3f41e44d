namespace Distributed.Numerics;

/// <summary>The sizes of a Winograd algorithm F(Output x Output, Kernel x Kernel).</summary>
internal readonly record struct Winograd(int Output, int Kernel)
{
    /// <summary>Rows and columns of an input tile.</summary>
    public int Tile => Output + Kernel - 1;

    /// <summary>Elements of a tile: as many matrix products as there are.</summary>
    public int Planes => Tile * Tile;

    /// <summary>The sizes of an algorithm for a shape that it can compute.</summary>
    public static Winograd Of(in ConvolutionShape s, ConvolutionAlgorithm algorithm)
    {
        Check.Shape(s);
        var sizes = new Winograd(algorithm == ConvolutionAlgorithm.Winograd4x4 ? 4 : 2, s.KernelHeight);
        if (!Exists(s, algorithm))
            throw new ArgumentException($"no Winograd algorithm {algorithm} for {s}");
        return sizes;
    }

    /// <summary>
    /// Stride 1 and a square kernel of 3, or of 5 with outputs of 2 x 2.
    /// </summary>
    public static bool Exists(in ConvolutionShape s, ConvolutionAlgorithm algorithm) =>
        s.StrideHeight == 1 && s.StrideWidth == 1 && s.KernelHeight == s.KernelWidth && algorithm switch
        {
            ConvolutionAlgorithm.Winograd4x4 => s.KernelHeight == 3,
            ConvolutionAlgorithm.Winograd2x2 => s.KernelHeight is 3 or 5,
            _ => false,
        };

    /// <summary>Input tiles.</summary>
    public TileGrid InputTiles(in ConvolutionShape s) => new(s.InHeight, s.InWidth, s.InChannels, s.InPitch,
        s.PadHeight, s.PadWidth, Output, Tiles(s.OutHeight), Tiles(s.OutWidth));

    /// <summary>Tiles of the output or its gradient.</summary>
    public TileGrid OutputTiles(in ConvolutionShape s) => new(s.OutHeight, s.OutWidth, s.OutChannels, s.OutPitch, 0, 0,
        Output, Tiles(s.OutHeight), Tiles(s.OutWidth));

    private int Tiles(int extent) => (extent + Output - 1) / Output;

    /// <summary>The convolution of the output's gradient that gives the input's.</summary>
    public static ConvolutionShape Backward(in ConvolutionShape s) =>
        new(s.OutHeight, s.OutWidth, s.OutChannels, s.InChannels, s.KernelHeight, s.KernelWidth, 1, 1,
            s.KernelHeight - 1 - s.PadHeight, s.KernelWidth - 1 - s.PadWidth)
        {
            InPitch = s.OutPitch,
            OutPitch = s.InPitch,
        };
}
