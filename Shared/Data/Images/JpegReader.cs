using Distributed.Data.Native;

namespace Distributed.Data;

/// <summary>
/// Reads JPEG files through libjpeg-turbo, the system's library: grey as grey, all else as red, green, blue. Files that
/// the library can only guess at, such as cut ones, count as broken. Images are turned as EXIF says.
/// </summary>
internal static class JpegReader
{
    /// <summary>The one warning that says nothing about the pixels, and is common in files from the web.</summary>
    private const string HarmlessWarning = "extraneous bytes before marker";

    /// <summary>Whether the library is on this machine.</summary>
    public static bool IsAvailable => TurboJpeg.IsAvailable;

    public static DecodedImage Read(byte[] content, string path)
    {
        if (!IsAvailable)
        {
            throw new DataException($"{path}: JPEG images are read by libjpeg-turbo, which is not on this machine; " +
                "install it (Debian, Ubuntu: apt-get install libturbojpeg0; Fedora: dnf install turbojpeg; macOS: " +
                "brew install jpeg-turbo).");
        }

        nint decoder = TurboJpeg.Create();
        if (decoder == 0)
        {
            throw new InvalidOperationException("libjpeg-turbo made no decoder.");
        }

        try
        {
            return ExifOrientation.Apply(Read(decoder, content, path), ExifOrientation.Read(content));
        }
        finally
        {
            TurboJpeg.Free(decoder);
        }
    }

    private static DecodedImage Read(nint decoder, byte[] content, string path)
    {
        if (TurboJpeg.ReadHeader(decoder, content) is not var (width, height, colors))
        {
            throw Broken(decoder, path);
        }

        ImageLimits.Check("JPEG", width, height, path);
        (TurboJpeg.PixelFormat format, int samples) = colors switch
        {
            TurboJpeg.ColorSpace.Grey => (TurboJpeg.PixelFormat.Grey, 1),
            TurboJpeg.ColorSpace.Cmyk or TurboJpeg.ColorSpace.Ycck => (TurboJpeg.PixelFormat.Cmyk, 4),
            _ => (TurboJpeg.PixelFormat.Rgb, 3),
        };
        byte[] pixels = new byte[width * height * samples];
        if (!TurboJpeg.Decode(decoder, content, width, height, format, pixels)
            && !(TurboJpeg.IsWarning(decoder)
                && TurboJpeg.Error(decoder).Contains(HarmlessWarning, StringComparison.OrdinalIgnoreCase)))
        {
            throw Broken(decoder, path);
        }

        return new DecodedImage(width, height, samples == 1 ? 1 : 3, samples == 4 ? FromCmyk(pixels) : pixels);
    }

    /// <summary>Files hold the inks inverted, as Adobe's programs write them: 255 is no ink.</summary>
    private static byte[] FromCmyk(byte[] inks)
    {
        byte[] pixels = new byte[inks.Length / 4 * 3];
        for (int pixel = 0; pixel < inks.Length / 4; pixel++)
        {
            for (int channel = 0; channel < 3; channel++)
            {
                pixels[(pixel * 3) + channel] =
                    (byte)(((inks[(pixel * 4) + channel] * inks[(pixel * 4) + 3]) + 127) / byte.MaxValue);
            }
        }

        return pixels;
    }

    private static DataException Broken(nint decoder, string path) =>
        new($"{path}: the JPEG file is broken ({TurboJpeg.Error(decoder).TrimEnd('.')}); make the file again.")
        { IsCorrupt = true };
}
