using System.Security.Cryptography;

namespace Distributed.Data;

/// <summary>
/// A data set's images before they are decoded: numbered, first those to train with, then those to test with.
/// <see cref="DecodedCache"/> makes a data set of it; only if it must, it asks for more than the identity.
/// <see cref="Decode"/> may be called on several threads at once.
/// </summary>
internal abstract class ImageSource
{
    /// <summary>The data set's name.</summary>
    public required string Name { get; init; }

    /// <summary>Channels of a decoded image: 1 or 3.</summary>
    public required int Channels { get; init; }

    /// <summary>Rows of a decoded image.</summary>
    public required int Height { get; init; }

    /// <summary>Columns of a decoded image.</summary>
    public required int Width { get; init; }

    /// <summary>A name for each class.</summary>
    public abstract IReadOnlyList<string> ClassNames { get; }

    /// <summary>Bytes of a decoded image.</summary>
    public int SampleLength => Channels * Height * Width;

    /// <summary>Images to train with, those held for validation included. May read the source.</summary>
    public abstract int TrainCount { get; }

    /// <summary>Images to test with. May read the source.</summary>
    public abstract int TestCount { get; }

    /// <summary>Appends what names the source's content: two sources with equal bytes here decode to equal images.
    /// File names and times don't do, the files' bytes do.</summary>
    public abstract void AppendIdentity(IncrementalHash hash);

    /// <summary>
    /// The seed that drew the test part, which is then part of the identity; null where no seed did. May read the
    /// source.
    /// </summary>
    public virtual ulong? SplitSeed => null;

    /// <summary>Whether an image is one that the source itself holds apart for validation.</summary>
    public virtual bool IsHeld(int index) => false;

    /// <summary>Where an image comes from, for messages.</summary>
    public abstract string NameOf(int index);

    /// <summary>Decodes one image in its size and channels.</summary>
    /// <returns>Its label.</returns>
    /// <exception cref="DataException">It is broken; the message names it.</exception>
    public abstract int Decode(int index, Span<byte> pixels);
}
