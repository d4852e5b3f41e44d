using Distributed.Data;
using Xunit;

namespace Distributed.Coordinator.Tests;

public sealed class PreviewCommandTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("distributed-preview-").FullName;

    private string Sheet => Path.Combine(_folder, "sheet.png");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task ShowsSamplesBeforeAndAfterWithTheirLabels()
    {
        CommandRun run = await CommandRun.Of(
            "preview", "--data", "digits", "--count", "3", "--augment", "flip:1,mixup", "--out", Sheet);
        Assert.Equal((ExitCode.Done, ""), (run.ExitCode, run.Error));
        Assert.Equal(
            $"{Sheet}: 3 samples of digits as they are, and in 6 epochs with flip:1,mixup:0.2", run.Output.Trim());
        DecodedImage sheet = ImageFiles.Read(Sheet);

        // 28 points enlarged 4 times, a gap of 6, a line of 7 and its gaps.
        Assert.Equal(((7 * 118) + 6, 19 + (3 * 131)), (sheet.Width, sheet.Height));
        Dataset digits = DatasetCatalogue.Load("digits", new DatasetOptions());
        int[] order = new int[10_000];
        EpochShuffle.Permute(1, 0, [.. Enumerable.Range(0, 10_000)], order);
        ReadOnlySpan<byte> first = digits.Train.Pixels(order[0]);
        for (int point = 0; point < 28 * 28; point++)
        {
            int at = (((19 + (point / 28 * 4)) * sheet.Width) + 6 + (point % 28 * 4)) * 3;
            Assert.Equal(first[point], sheet.Pixels[at + 1]);
        }
    }

    [Theory]
    [InlineData("--augment", "flop", "--augment: there is no augmentation 'flop';")]
    [InlineData("--data", "nothing", "--data: expected one of digits, mnist,")]
    [InlineData("--count", "0", "--count must be 1 to 64, got 0.")]
    [InlineData("--seed", "x", "--seed: expected a whole number, got 'x'.")]
    [InlineData("--out", "/nowhere/sheet.png", "--out: /nowhere/sheet.png can't be written (")]
    public async Task AMistakeIsOneSentence(string option, string value, string expected)
    {
        CommandRun run = await CommandRun.Of("preview", option, value);
        Assert.Equal(ExitCode.UserError, run.ExitCode);
        Assert.StartsWith($"error: {expected}", run.Error, StringComparison.Ordinal);
    }
}
