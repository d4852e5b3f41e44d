using Distributed.Fuzz;
using Xunit;

namespace Distributed.Data.Tests;

/// <summary>Whatever a file of data holds: it is read, or refused in one clear sentence that names it, and nobody's word
/// for a length makes it ask for memory.</summary>
public class FuzzTests
{
    [Fact]
    public void AnyIdxFileIsReadOrRefusedInOneSentence() => Hold(new IdxTarget(), 1_000);

    [Fact]
    public void AnyCifarFileIsReadOrRefusedInOneSentence() => Hold(new CifarTarget(), 150);

    [Fact]
    public void AnyPngFileIsReadOrRefusedInOneSentence() => Hold(new ImageTarget("png"), 2_000);

    [JpegFact]
    public void AnyJpegFileIsReadOrRefusedInOneSentence() => Hold(new ImageTarget("jpeg"), 500);

    [Fact]
    public void AnyBitmapIsReadOrRefusedInOneSentence() => Hold(new ImageTarget("bitmap"), 2_000);

    [Fact]
    public void AnyZipFileIsReadOrRefusedInOneSentence() => Hold(new ZipTarget(), 500);

    private static void Hold(FuzzTarget target, int count)
    {
        using (target) FuzzProperties.Hold(target, count);
    }
}
