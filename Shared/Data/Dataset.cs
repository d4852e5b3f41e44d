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
/// <param name="Sha256">Names the decoded content, see <see cref="Hash"/>.</param>
public sealed record Dataset(
    string Name, ImageSet Train, ImageSet Test, IReadOnlyList<string> ClassNames, string Sha256)
{
    /// <summary>
    /// The hash of a data set's decoded content, the same however its files were packed: the SHA-256 of this ASCII
    /// text, each line ended by a line feed. <code>
    /// distributed-data-1
    /// classes COUNT
    /// train COUNT HEIGHT WIDTH CHANNELS PIXELS LABELS
    /// test COUNT HEIGHT WIDTH CHANNELS PIXELS LABELS</code>
    /// PIXELS is the SHA-256 of the part's pixels in NHWC order, LABELS that of its labels as 32-bit little-endian
    /// integers; both in lower-case hexadecimal digits, as is the result. Independent parts hash in parallel.
    /// </summary>
    /// <param name="train">The training part.</param>
    /// <param name="test">The test part.</param>
    /// <param name="classes">The number of classes.</param>
    public static string Hash(ImageSet train, ImageSet test, int classes)
    {
        string trainLine = "", testLine = "";
        Parallel.Invoke(() => trainLine = Line("train", train), () => testLine = Line("test", test));
        string text = string.Create(
            CultureInfo.InvariantCulture, $"distributed-data-1\nclasses {classes}\n{trainLine}{testLine}");
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(text)));
    }

    private static string Line(string part, ImageSet set)
    {
        string pixels = Convert.ToHexStringLower(SHA256.HashData(set.AllPixels));
        string labels = Convert.ToHexStringLower(SHA256.HashData(MemoryMarshal.AsBytes(set.AllLabels)));
        return string.Create(CultureInfo.InvariantCulture,
            $"{part} {set.Count} {set.Height} {set.Width} {set.Channels} {pixels} {labels}\n");
    }
}
