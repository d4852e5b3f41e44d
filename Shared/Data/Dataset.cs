using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;

namespace Distributed.Data;

/// <summary>A data set in memory, ready to train and test with.</summary>
/// <param name="Name">Its name in the catalogue.</param>
/// <param name="Train">The samples to learn from; the validation part is taken out of them.</param>
/// <param name="Test">The samples to judge by.</param>
/// <param name="ClassNames">A name for each class; a label is an index into it.</param>
/// <param name="Sha256">Names the decoded content, see <see cref="Hash(ImageSet, ImageSet, int, int)"/>.</param>
public sealed record Dataset(
    string Name, ImageSet Train, ImageSet Test, IReadOnlyList<string> ClassNames, string Sha256)
{
    /// <summary>
    /// So many training samples, the last ones, are a validation part of the data set's own; 0: it has none.
    /// </summary>
    public int Held { get; init; }

    /// <summary>A sentence for each corrupt image that was left out.</summary>
    public IReadOnlyList<string> Skipped { get; init; } = [];

    /// <summary>
    /// The hash of a data set's decoded content, the same however its files were packed: the SHA-256 of this ASCII
    /// text, each line ended by a line feed. <code>
    /// distributed-data-1
    /// classes COUNT
    /// train COUNT HEIGHT WIDTH CHANNELS PIXELS LABELS
    /// test COUNT HEIGHT WIDTH CHANNELS PIXELS LABELS</code>
    /// PIXELS is the SHA-256 of the part's pixels in NHWC order, LABELS that of its labels as 32-bit little-endian
    /// integers; both in lower-case hexadecimal digits, as is the result. Where the last samples of the training part
    /// are a validation part of the data set's own, a line <c>held COUNT</c> follows. Independent parts hash in
    /// parallel.
    /// </summary>
    /// <param name="train">The training part.</param>
    /// <param name="test">The test part.</param>
    /// <param name="classes">The number of classes.</param>
    /// <param name="held">Training samples that are a validation part of the data set's own.</param>
    public static string Hash(ImageSet train, ImageSet test, int classes, int held = 0)
    {
        byte[] trainHash = [], testHash = [];
        Parallel.Invoke(() => trainHash = PixelHash(train), () => testHash = PixelHash(test));
        return Hash(classes, train, trainHash, test, testHash, held);
    }

    /// <summary>The same from the hashes of the parts' pixels.</summary>
    internal static string Hash(
        int classes, ImageSet train, byte[] trainPixels, ImageSet test, byte[] testPixels, int held)
    {
        string text = string.Create(CultureInfo.InvariantCulture, $"distributed-data-1\nclasses {classes}\n") +
            Line("train", train, trainPixels) + Line("test", test, testPixels) +
            (held > 0 ? string.Create(CultureInfo.InvariantCulture, $"held {held}\n") : "");
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(text)));
    }

    private static byte[] PixelHash(ImageSet set)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        for (int index = 0; index < set.Count; index++)
        {
            hash.AppendData(set.Pixels(index));
        }

        return hash.GetHashAndReset();
    }

    private static string Line(string part, ImageSet set, byte[] pixelHash)
    {
        string pixels = Convert.ToHexStringLower(pixelHash);
        string labels = Convert.ToHexStringLower(SHA256.HashData(MemoryMarshal.AsBytes(set.AllLabels)));
        return string.Create(CultureInfo.InvariantCulture,
            $"{part} {set.Count} {set.Height} {set.Width} {set.Channels} {pixels} {labels}\n");
    }
}
