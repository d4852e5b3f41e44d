namespace Distributed.Data;

/// <summary>What an image file may be, checked before anything is allocated.</summary>
internal static class ImageLimits
{
    /// <summary>Bytes of a file.</summary>
    public const int MaximumFile = 1 << 28;

    private const int MaximumSide = 1 << 16;
    private const long MaximumPixels = 1L << 26;

    /// <summary>Refuses a size that is absurd.</summary>
    /// <exception cref="DataException">The image is empty or too large.</exception>
    public static void Check(string format, long width, long height, string path)
    {
        if (width is < 1 or > MaximumSide || height is < 1 or > MaximumSide || width * height > MaximumPixels)
        {
            throw new DataException($"{path}: the {format} image is {width} x {height} where 1 to {MaximumSide} a " +
                $"side and {MaximumPixels} pixels in all are allowed; make it smaller.")
            { IsCorrupt = true };
        }
    }
}
