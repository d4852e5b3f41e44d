namespace Distributed.Data;

/// <summary>How a PNG file stores a pixel (its colour type).</summary>
internal enum PngColor : byte
{
    Grey = 0,
    Rgb = 2,
    Palette = 3,
    GreyAlpha = 4,
    Rgba = 6,
}

/// <summary>What a PNG file says about its pixels, apart from the pixels.</summary>
/// <param name="Width">Columns.</param>
/// <param name="Height">Rows.</param>
/// <param name="Depth">Bits a sample.</param>
/// <param name="Color">The colour type.</param>
/// <param name="Interlaced">Whether the rows come in the seven passes of Adam7.</param>
internal sealed record PngHeader(int Width, int Height, int Depth, PngColor Color, bool Interlaced)
{
    /// <summary>Red, green, blue for each index; for palette images only.</summary>
    public byte[] Palette { get; set; } = [];

    /// <summary>The tRNS chunk: an alpha for each index, or the one transparent grey or colour.</summary>
    public byte[] Transparency { get; set; } = [];

    /// <summary>Samples a stored pixel.</summary>
    public int Samples => Color switch
    {
        PngColor.Rgb => 3,
        PngColor.GreyAlpha => 2,
        PngColor.Rgba => 4,
        _ => 1,
    };

    /// <summary>Channels of the decoded image.</summary>
    public int Channels => Color is PngColor.Grey or PngColor.GreyAlpha ? 1 : 3;

    /// <summary>The distance that filters look back, in bytes.</summary>
    public int FilterStep => Math.Max(1, Samples * Depth / 8);

    /// <summary>The passes that the rows come in: first column, first row, step across, step down.</summary>
    public IReadOnlyList<(int X, int Y, int StepX, int StepY)> Passes => Interlaced ? Adam7 : Whole;

    private static readonly (int X, int Y, int StepX, int StepY)[] Whole = [(0, 0, 1, 1)];

    private static readonly (int X, int Y, int StepX, int StepY)[] Adam7 =
    [
        (0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2),
    ];

    /// <summary>Columns and rows of a pass; either may be 0.</summary>
    public (int Width, int Height) Measure((int X, int Y, int StepX, int StepY) pass) =>
        ((Width - pass.X + pass.StepX - 1) / pass.StepX, (Height - pass.Y + pass.StepY - 1) / pass.StepY);

    /// <summary>Bytes of a row of so many pixels, without its filter's byte.</summary>
    public int RowLength(int width) => (int)((((long)width * Samples * Depth) + 7) / 8);

    /// <summary>The length of all passes, with the filters' bytes.</summary>
    public long RawLength
    {
        get
        {
            long length = 0;
            foreach ((int X, int Y, int StepX, int StepY) pass in Passes)
            {
                (int width, int height) = Measure(pass);
                length += width == 0 ? 0 : (RowLength(width) + 1L) * height;
            }

            return length;
        }
    }

    /// <summary>Whether the format allows the depth with the colour type.</summary>
    public bool IsAllowed => Color switch
    {
        PngColor.Grey => Depth is 1 or 2 or 4 or 8 or 16,
        PngColor.Palette => Depth is 1 or 2 or 4 or 8,
        PngColor.Rgb or PngColor.GreyAlpha or PngColor.Rgba => Depth is 8 or 16,
        _ => false,
    };
}
