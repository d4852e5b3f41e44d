using System.Reflection;
using System.Runtime.InteropServices;

namespace Distributed.Data.Native;

/// <summary>
/// The calls of libjpeg-turbo's TurboJPEG library (its API of version 2, which version 3 still has). Which file it is
/// depends on the system.
/// </summary>
internal static unsafe partial class TurboJpeg
{
    private const string Library = "turbojpeg";
    private const int Warning = 0;

    private static readonly string[] FileNames =
        OperatingSystem.IsWindows() ? ["turbojpeg.dll", "libturbojpeg.dll"]
        : OperatingSystem.IsMacOS() ? ["libturbojpeg.0.dylib", "libturbojpeg.dylib",
            "/opt/homebrew/opt/jpeg-turbo/lib/libturbojpeg.dylib", "/usr/local/opt/jpeg-turbo/lib/libturbojpeg.dylib"]
        : ["libturbojpeg.so.0", "libturbojpeg.so"];

    private static readonly nint Handle = Load();

    static TurboJpeg() => NativeLibrary.SetDllImportResolver(
        typeof(TurboJpeg).Assembly, (name, _, _) => name == Library ? Handle : 0);

    /// <summary>How the pixels are stored that a call returns.</summary>
    public enum PixelFormat
    {
        Rgb = 0,
        Grey = 6,
        Cmyk = 11,
    }

    /// <summary>How a file stores its colours.</summary>
    public enum ColorSpace
    {
        Rgb = 0,
        YCbCr = 1,
        Grey = 2,
        Cmyk = 3,
        Ycck = 4,
    }

    /// <summary>Whether the library is on this machine.</summary>
    public static bool IsAvailable => Handle != 0;

    /// <summary>A decoder; one thread at a time.</summary>
    public static nint Create() => InitDecompress();

    /// <summary>Frees a decoder.</summary>
    public static void Free(nint decoder) => _ = Destroy(decoder);

    /// <summary>Reads the size and the colours; null where the header is broken.</summary>
    public static (int Width, int Height, ColorSpace Colors)? ReadHeader(nint decoder, ReadOnlySpan<byte> content)
    {
        fixed (byte* bytes = content)
        {
            int failed = DecompressHeader(decoder, bytes, new CULong((nuint)content.Length), out int width,
                out int height, out _, out int colors);
            return failed == 0 ? (width, height, (ColorSpace)colors) : null;
        }
    }

    /// <summary>
    /// Decodes all pixels, with the exact inverse transform and smooth upsampling; false where something was wrong,
    /// even if the library went on.
    /// </summary>
    public static bool Decode(
        nint decoder, ReadOnlySpan<byte> content, int width, int height, PixelFormat format, Span<byte> pixels)
    {
        const int AccurateTransform = 4096, LimitScans = 32768;
        fixed (byte* bytes = content, destination = pixels)
        {
            return Decompress(decoder, bytes, new CULong((nuint)content.Length), destination, width, 0, height,
                (int)format, AccurateTransform | LimitScans) == 0;
        }
    }

    /// <summary>Whether what was wrong last was only a warning, and the pixels are there.</summary>
    public static bool IsWarning(nint decoder) => ErrorCode(decoder) == Warning;

    /// <summary>What was wrong last.</summary>
    public static string Error(nint decoder) => Marshal.PtrToStringUTF8(ErrorText(decoder)) ?? "unknown";

    private static nint Load()
    {
        foreach (string name in FileNames)
        {
            if (NativeLibrary.TryLoad(name, Assembly.GetExecutingAssembly(), null, out nint handle))
            {
                return handle;
            }
        }

        return 0;
    }

    [LibraryImport(Library, EntryPoint = "tjInitDecompress")]
    private static partial nint InitDecompress();

    [LibraryImport(Library, EntryPoint = "tjDestroy")]
    private static partial int Destroy(nint handle);

    [LibraryImport(Library, EntryPoint = "tjDecompressHeader3")]
    private static partial int DecompressHeader(
        nint handle, byte* content, CULong length, out int width, out int height, out int subsampling,
        out int colorSpace);

    [LibraryImport(Library, EntryPoint = "tjDecompress2")]
    private static partial int Decompress(
        nint handle, byte* content, CULong length, byte* pixels, int width, int pitch, int height, int format,
        int flags);

    [LibraryImport(Library, EntryPoint = "tjGetErrorCode")]
    private static partial int ErrorCode(nint handle);

    [LibraryImport(Library, EntryPoint = "tjGetErrorStr2")]
    private static partial nint ErrorText(nint handle);
}
