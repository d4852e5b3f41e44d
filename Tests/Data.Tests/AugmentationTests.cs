using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Xunit;

namespace Distributed.Data.Tests;

public sealed class AugmentationTests
{
    /// <summary>A change means that older runs can't be had again: raise the numerics class.</summary>
    private const string Golden = "7e9637933835c7ba415d95f3abad0d8a7947ca33e7668e7949f3652ab3f94d24";

    private static readonly Normalization Plain = new([0.5f], [1 / 255f]);

    /// <summary>3 columns, 2 rows: 1 2 3 / 4 5 6, which are 127.5 less as inputs.</summary>
    private static readonly ImageSet Small = new(1, 2, 3, [1, 2, 3, 4, 5, 6], [7]);

    [Fact]
    public async Task AllInstructionSetsMakeTheSameSamples()
    {
        string[][] outputs = await Task.WhenAll(
            Run(), Run("DOTNET_EnableAVX512=0"), Run("DOTNET_EnableHWIntrinsic=0"));
        Assert.Equal("portable", outputs[2][0]);
        Assert.Equal(outputs[2][1..], outputs[0][1..]);
        Assert.Equal(outputs[2][1..], outputs[1][1..]);
        Assert.Equal(outputs[0].Length - 1, outputs[0][1..].Select(line => line[..64]).Distinct().Count());
        string hashes = string.Concat(outputs[0][1..].Select(line => line[..64]));
        Assert.Equal(Golden, Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(hashes))));
    }

    [Theory]
    [InlineData("flip:1", "3 2 1 6 5 4")]
    [InlineData("vertical-flip:1", "4 5 6 1 2 3")]
    [InlineData("flip:1,vertical-flip:1", "6 5 4 3 2 1")]
    [InlineData("flip:0.000001", "1 2 3 4 5 6")]
    [InlineData("none", "1 2 3 4 5 6")]
    public void MirrorsMove(string list, string expected) => Assert.Equal(expected, Text(Render(list, 0)));

    /// <summary>Every place that a padding of 1 allows comes, and no other; outside is the mean.</summary>
    [Fact]
    public void CropsAreTheImageMovedByUpToThePadding()
    {
        HashSet<string> expected = [];
        for (int down = -1; down <= 1; down++)
        {
            for (int across = -1; across <= 1; across++)
            {
                expected.Add(string.Join(' ', Enumerable.Range(0, 6).Select(point =>
                {
                    int x = (point % 3) + across, y = (point / 3) + down;
                    return x is >= 0 and < 3 && y is >= 0 and < 2 ? $"{(y * 3) + x + 1}" : ".";
                })));
            }
        }

        Assert.Equal(expected.Order(), Enumerable.Range(0, 200).Select(epoch => Text(Render("crop:1", epoch)))
            .Distinct().Order());
    }

    [Fact]
    public void TheOrderOfGeometryCounts()
    {
        string[] one = [.. Enumerable.Range(0, 50).Select(epoch => Text(Render("crop:1,flip:1", epoch)))];
        string[] mirrored = [.. Enumerable.Range(0, 50).Select(epoch => Text(Render("crop:1", epoch)))
            .Select(text => text.Split(' ')).Select(x => $"{x[2]} {x[1]} {x[0]} {x[5]} {x[4]} {x[3]}")];
        Assert.Equal(mirrored, one);
    }

    /// <summary>Each rendering against a plain bilinear formula in double.</summary>
    [Theory]
    [InlineData("rotate:30")]
    [InlineData("scale:0.5")]
    [InlineData("resized-crop:0.3")]
    [InlineData("crop:2,rotate:180,flip,scale:0.2,translate:0.3")]
    public void InterpolationIsBilinearBetweenThePointsThatTheMapSays(string list)
    {
        ImageSet images = AugmentationBitsProgram.Images(3, 11, 8);
        Normalization normalization = new([0.5f, 0.4f, 0.3f], [0.2f, 0.3f, 0.4f]);
        AugmentationList parsed = AugmentationList.Parse(list);
        SampleLoader loader = new(images, normalization, parsed, seed: 5);
        float[] found = new float[images.SampleLength];
        for (int epoch = 0; epoch < 20; epoch++)
        {
            loader.LoadTraining(epoch, [2], found, new int[1], new int[1], new float[1]);
            SampleTransform map = SampleTransform.Draw(parsed, 5, epoch, 2, 8, 11, 0);
            for (int index = 0; index < found.Length; index++)
            {
                (int channel, double x, double y) = (index % 3, (index / 3 % 8) - 3.5, (index / 24) - 5.0);
                double fromX = (map.XX * x) + (map.XY * y) + map.X + 3.5;
                double fromY = (map.YX * x) + (map.YY * y) + map.Y + 5;
                double sum = 0;
                for (int row = -1; row <= 11; row++)
                {
                    for (int column = -1; column <= 8; column++)
                    {
                        double weight = Math.Max(0, 1 - Math.Abs(column - fromX))
                            * Math.Max(0, 1 - Math.Abs(row - fromY));
                        bool isInside = row is >= 0 and < 11 && column is >= 0 and < 8;
                        sum += weight * (isInside ? images.Pixels(2)[(((row * 8) + column) * 3) + channel]
                            : normalization.Mean[channel] * 255);
                    }
                }

                bool isNear = fromX is > -1 and < 8 && fromY is > -1 and < 11;
                double mean = normalization.Mean[channel], deviation = normalization.Deviation[channel];
                Assert.Equal(isNear ? ((sum / 255) - mean) / deviation : 0, found[index], 1e-4);
            }
        }
    }

    [Fact]
    public void BrightnessAndContrastKeepWithinTheirShares()
    {
        ImageSet images = new(1, 1, 2, [100, 200], [0]);
        double[] gains = [.. Enumerable.Range(0, 300).Select(epoch => SampleTransform.Draw(
            AugmentationList.Parse("brightness:0.4"), 1, epoch, 0, 2, 1, 0).Gain)];
        Assert.InRange(gains.Min(), 0.6, 0.65);
        Assert.InRange(gains.Max(), 1.35, 1.4);
        for (int epoch = 0; epoch < 50; epoch++)
        {
            float[] values = Render(images, "contrast:0.5", epoch);
            Assert.Equal(150 - 127.5, (values[0] + values[1]) / 2, 1e-3);
            Assert.InRange(values[1] - values[0], 50 - 1e-3, 150 + 1e-3);
            values = Render(images, "brightness:1", epoch);
            Assert.InRange(values[1], -127.501, 127.501);
        }
    }

    [Fact]
    public void CutoutBlanksASquareAndNothingElse()
    {
        ImageSet images = new(1, 9, 9, [.. Enumerable.Repeat((byte)200, 81)], [0]);
        HashSet<int> sizes = [];
        for (int epoch = 0; epoch < 100; epoch++)
        {
            float[] values = Render(images, "cutout:3", epoch);
            int[] blank = [.. Enumerable.Range(0, 81).Where(point => values[point] == 0)];
            int width = blank.Max(point => point % 9) - blank.Min(point => point % 9) + 1;
            int height = (blank[^1] / 9) - (blank[0] / 9) + 1;
            Assert.Equal(width * height, blank.Length);
            Assert.True(width <= 3 && height <= 3);
            sizes.Add(blank.Length);
        }

        Assert.Contains(9, sizes);
        Assert.Contains(4, sizes);
    }

    [Fact]
    public void MixupMixesWithTheMirroredPlace()
    {
        ImageSet images = new(1, 1, 1, [10, 20, 30, 40, 50], [0, 1, 2, 3, 4]);
        SampleLoader loader = new(images, Plain, AugmentationList.Parse("mixup:1"), 1);
        float[] inputs = new float[5], weights = new float[5];
        int[] labels = new int[5], seconds = new int[5];
        loader.LoadTraining(3, [0, 1, 2, 3, 4], inputs, labels, seconds, weights);
        Assert.Equal([0, 1, 2, 3, 4], labels);
        Assert.Equal([4, 3, 2, 1, 0], seconds);
        Assert.Equal(1, weights[2]);
        for (int place = 0; place < 5; place++)
        {
            double mixed = (weights[place] * (10 + (10 * place))) + ((1 - weights[place]) * (50 - (10 * place)));
            Assert.Equal(mixed - 127.5, inputs[place], 1e-4);
        }
    }

    [Theory]
    [InlineData(0.2)]
    [InlineData(1)]
    [InlineData(4)]
    public void SharesHaveTheMomentsOfBeta(double alpha)
    {
        const int Draws = 20_000;
        double[] shares = [.. Enumerable.Range(0, Draws).Select(sample => (double)MixupShare.Draw(
            SampleTransform.Random(1, 0, 0, sample), alpha))];
        double variance = shares.Sum(share => (share - 0.5) * (share - 0.5)) / Draws;
        Assert.Equal(0.5, shares.Average(), 0.01);
        Assert.Equal(1 / (4 * ((2 * alpha) + 1)), variance, 0.005);
        Assert.All(shares, share => Assert.InRange(share, 0, 1));
    }

    [Fact]
    public void SamplesDependOnEpochSampleAndSeedAlone()
    {
        ImageSet images = AugmentationBitsProgram.Images(3, 8, 8);
        float[] Of(ulong seed, int epoch, params int[] samples)
        {
            float[] inputs = new float[samples.Length * images.SampleLength];
            new SampleLoader(images, new([0, 0, 0], [1, 1, 1]), AugmentationList.Parse("crop,rotate,cutout:2"), seed)
                .LoadTraining(epoch, samples, inputs, new int[samples.Length], [], []);
            return inputs;
        }

        float[] one = Of(1, 2, 3), three = Of(1, 2, 0, 3, 1);
        Assert.Equal(one, three[one.Length..(2 * one.Length)]);
        Assert.NotEqual(one, Of(2, 2, 3));
        Assert.NotEqual(one, Of(1, 3, 3));
    }

    [Fact]
    public void LoadingAllocatesNothing()
    {
        ImageSet images = AugmentationBitsProgram.Images(3, 32, 32);
        SampleLoader loader = new(images, new([0, 0, 0], [1, 1, 1]), AugmentationList.Parse(
            AugmentationBitsProgram.All), 1);
        float[] inputs = new float[4 * images.SampleLength], weights = new float[4];
        int[] labels = new int[4], seconds = new int[4], samples = [0, 1, 2, 3];
        loader.LoadTraining(0, samples, inputs, labels, seconds, weights);
        Assert.Equal(0, Allocation.Least(() => loader.LoadTraining(1, samples, inputs, labels, seconds, weights)));
    }

    [Fact]
    public void TextAndJsonSayTheSame()
    {
        AugmentationList list = AugmentationList.Parse("crop:4, Flip,cutout:8,mixup:0.2");
        Assert.Equal("crop:4,flip:0.5,cutout:8,mixup:0.2", list.ToString());
        using MemoryStream stream = new();
        using (Utf8JsonWriter writer = new(stream))
        {
            list.WriteTo(writer);
        }

        string json = Encoding.UTF8.GetString(stream.ToArray());
        Assert.StartsWith("[{\"name\":\"crop\",\"padding\":4},", json, StringComparison.Ordinal);
        Assert.Equal(list, FromJson(json));
        Assert.Equal(AugmentationList.Parse("crop"), FromJson("[{\"name\":\"crop\"}]"));
        Assert.Equal(AugmentationList.None, AugmentationList.Parse("none"));
        Assert.NotEqual(list, AugmentationList.Parse("flip,crop:4,cutout:8,mixup:0.2"));
    }

    [Theory]
    [InlineData("crop:0", "the padding of crop must be a whole number from 1 to 1024, got '0'")]
    [InlineData("crop:1.5", "the padding of crop must be a whole number from 1 to 1024, got '1.5'")]
    [InlineData("flip:2", "the probability of flip must be a number above 0, up to 1, got '2'")]
    [InlineData("flip:x", "got 'x'")]
    [InlineData("flip,flip", "flip is given twice")]
    [InlineData("flop", "there is no augmentation 'flop'; known are crop, resized-crop, flip,")]
    public void MistakesAreOneSentence(string list, string expected) => Assert.Contains(
        expected, Assert.Throws<DataException>(() => AugmentationList.Parse(list)).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("{}", "expected a list of augmentations")]
    [InlineData("[1]", "an augmentation must be an object with a \"name\"")]
    [InlineData("[{\"name\":\"crop\",\"pad\":1}]", "crop has no \"pad\"; it has \"padding\"")]
    [InlineData("[{\"name\":\"crop\",\"padding\":\"4\"}]", "the padding of crop must be a whole number")]
    public void MistakesInJsonAreOneSentence(string json, string expected) => Assert.Contains(
        expected, Assert.Throws<DataException>(() => FromJson(json)).Message, StringComparison.Ordinal);

    private static AugmentationList FromJson(string json)
    {
        using JsonDocument document = JsonDocument.Parse(json);
        return AugmentationList.FromJson(document.RootElement);
    }

    private static float[] Render(string list, int epoch) => Render(Small, list, epoch);

    private static float[] Render(ImageSet images, string list, int epoch)
    {
        float[] inputs = new float[images.SampleLength];
        new SampleLoader(images, Plain, AugmentationList.Parse(list), 1)
            .LoadTraining(epoch, [0], inputs, new int[1], new int[1], new float[1]);
        return inputs;
    }

    /// <summary>Pixels again; a dot for the mean.</summary>
    private static string Text(float[] inputs) =>
        string.Join(' ', inputs.Select(input => input == 0 ? "." : $"{(int)(input + 127.6f)}"));

    private static async Task<string[]> Run(string? setting = null)
    {
        ProcessStartInfo start = new(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet")
        {
            RedirectStandardOutput = true,
            ArgumentList = { typeof(AugmentationTests).Assembly.Location },
        };
        start.Environment.Remove("DOTNET_EnableAVX512");
        start.Environment.Remove("DOTNET_EnableHWIntrinsic");
        if (setting is not null)
        {
            start.Environment[setting.Split('=')[0]] = setting.Split('=')[1];
        }

        using Process process = Process.Start(start)!;
        using CancellationTokenSource deadline = new(TimeSpan.FromMinutes(5));
        try
        {
            string output = await process.StandardOutput.ReadToEndAsync(deadline.Token);
            await process.WaitForExitAsync(deadline.Token);
            Assert.Equal(0, process.ExitCode);
            return output.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw;
        }
    }
}
