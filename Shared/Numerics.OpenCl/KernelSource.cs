using System.Globalization;
using System.Text;

namespace Distributed.Numerics.OpenCl;

/// <summary>From what a kernel is specialised by to the sources and defines it is compiled from.</summary>
internal static class KernelSource
{
    private const string Common = "Common.cl", Product = "Gemm.cl";

    /// <summary>The name of every kernel that is a product of matrices.</summary>
    public const string ProductKernel = "gemm";

    /// <summary>The sources, in order.</summary>
    public static IReadOnlyList<string> Files(in KernelKey key) =>
        key.Name == ProductKernel ? [Common, key.File, Product] : [Common, key.File];

    /// <summary>The defines, as compiler options.</summary>
    public static string Defines(in KernelKey key, KernelTiles tiles)
    {
        StringBuilder text = new();
        foreach (KernelFlags flag in Enum.GetValues<KernelFlags>())
        {
            if (flag != KernelFlags.None)
                Define(flag.ToString().ToUpperInvariant(), key.Flags.HasFlag(flag) ? 1 : 0);
        }

        if (key.Convolution.InHeight > 0) DefineShape(key.Convolution);
        if (key.Pool.InHeight > 0) DefineShape(key.Pool);
        Define("GROUPS", key.Groups);
        if (key.Name == ProductKernel)
        {
            Define("TILE_M", tiles.TileM);
            Define("TILE_N", key.Number);
            Define("TILE_K", tiles.TileK);
            Define("THREAD_M", tiles.ThreadM);
            Define("WIDTH", tiles.Width);
        }
        else
        {
            Define("FUNCTION", key.Number);
        }

        return text.ToString();

        void Define(string name, int value) =>
            text.Append(" -D").Append(name).Append('=').Append(value.ToString(CultureInfo.InvariantCulture));

        void DefineShape<T>(T shape) where T : notnull
        {
            foreach ((string name, int value) in Names(shape)) Define(name, value);
        }
    }

    private static IEnumerable<(string Name, int Value)> Names(object shape) => shape switch
    {
        ConvolutionShape s =>
        [
            ("IN_HEIGHT", s.InHeight), ("IN_WIDTH", s.InWidth), ("IN_CHANNELS", s.InChannels), ("IN_PITCH", s.InPitch),
            ("OUT_HEIGHT", s.OutHeight), ("OUT_WIDTH", s.OutWidth), ("OUT_CHANNELS", s.OutChannels),
            ("OUT_PITCH", s.OutPitch), ("CHANNELS", s.InChannels),
            .. Window(s.KernelHeight, s.KernelWidth, s.StrideHeight, s.StrideWidth, s.PadHeight, s.PadWidth),
        ],
        PoolShape s =>
        [
            ("IN_HEIGHT", s.InHeight), ("IN_WIDTH", s.InWidth), ("IN_PITCH", s.InPitch), ("OUT_HEIGHT", s.OutHeight),
            ("OUT_WIDTH", s.OutWidth), ("OUT_PITCH", s.OutPitch), ("CHANNELS", s.Channels),
            .. Window(s.KernelHeight, s.KernelWidth, s.StrideHeight, s.StrideWidth, s.PadHeight, s.PadWidth),
        ],
        _ => [],
    };

    private static (string, int)[] Window(int height, int width, int strideY, int strideX, int padY, int padX) =>
    [
        ("KERNEL_HEIGHT", height), ("KERNEL_WIDTH", width), ("STRIDE_HEIGHT", strideY), ("STRIDE_WIDTH", strideX),
        ("PAD_HEIGHT", padY), ("PAD_WIDTH", padX),
    ];
}
