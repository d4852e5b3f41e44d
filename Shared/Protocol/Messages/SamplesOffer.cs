namespace Distributed.Protocol;

/// <summary>Coordinator to worker: what data set the run learns from. The answer to <see cref="SamplesHello"/>; what
/// was asked for follows.</summary>
/// <param name="Name">The data set's name, for people.</param>
/// <param name="Sha256">The hash of the decoded data set: 64 lower-case hexadecimal digits.</param>
/// <param name="Channels">Channels of a sample.</param>
/// <param name="Height">Rows of a sample.</param>
/// <param name="Width">Columns of a sample.</param>
/// <param name="TrainCount">Samples to train with, those held included.</param>
/// <param name="TestCount">Samples to test with.</param>
/// <param name="Held">So many training samples, the last ones, are a validation part of the data set's own.</param>
/// <param name="ClassNames">A name for each class.</param>
public sealed record SamplesOffer(
    string Name, string Sha256, int Channels, int Height, int Width, int TrainCount, int TestCount, int Held,
    string[] ClassNames)
    : Message
{
    private const int HashDigits = 64;

    /// <inheritdoc/>
    public override MessageKind Kind => MessageKind.SamplesOffer;

    // Bytes and samples are counted in 63 bits, a part's samples and a sample's bytes in 31.
    private bool IsSound => Sha256.Length == HashDigits && Sha256.All(char.IsAsciiHexDigitLower)
        && (UInt128)Channels * (uint)Height * (uint)Width <= int.MaxValue
        && (long)TrainCount + TestCount <= int.MaxValue && Held < TrainCount;

    internal override void Write(ref MessagePackWriter writer)
    {
        writer.WriteMapHeader(9);
        writer.Write(0);
        writer.Write(Name);
        writer.Write(1);
        writer.Write(Sha256);
        int key = 2;
        foreach (int number in (ReadOnlySpan<int>)[Channels, Height, Width, TrainCount, TestCount, Held])
        {
            writer.Write(key++);
            writer.Write(number);
        }
        writer.Write(key);
        writer.WriteArrayHeader(ClassNames.Length);
        foreach (string name in ClassNames)
            writer.Write(name);
    }

    internal static SamplesOffer Read(ref MessagePackReader reader)
    {
        string name = "", sha256 = "";
        int channels = 0, height = 0, width = 0, trainCount = 0, testCount = 0, held = 0;
        string[] classNames = [];
        FieldReader fields = new(reader.ReadMapHeader());
        while (fields.Next(ref reader, out int key))
        {
            switch (key)
            {
                case 0: name = reader.ReadString(); break;
                case 1: sha256 = reader.ReadString(); break;
                case 2: channels = reader.ReadInt32(1); break;
                case 3: height = reader.ReadInt32(1); break;
                case 4: width = reader.ReadInt32(1); break;
                case 5: trainCount = reader.ReadInt32(1); break;
                case 6: testCount = reader.ReadInt32(1); break;
                case 7: held = reader.ReadInt32(0); break;
                case 8: classNames = ReadNames(ref reader); break;
                default: reader.Skip(); break;
            }
        }
        fields.Require(ref reader, 9);
        SamplesOffer offer = new(
            name, sha256, channels, height, width, trainCount, testCount, held, classNames);
        if (!reader.Failed && !offer.IsSound)
            reader.Fail(ProtocolError.OutOfRange);
        return offer;
    }

    /// <summary>Equal field by field, names one by one.</summary>
    public bool Equals(SamplesOffer? other) => other is not null && (Name, Sha256) == (other.Name, other.Sha256)
        && (Channels, Height, Width) == (other.Channels, other.Height, other.Width)
        && (TrainCount, TestCount, Held) == (other.TrainCount, other.TestCount, other.Held)
        && ClassNames.AsSpan().SequenceEqual(other.ClassNames);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Name, Sha256, TrainCount, TestCount);

    private static string[] ReadNames(ref MessagePackReader reader)
    {
        string[] names = new string[reader.ReadArrayHeader()];
        for (int i = 0; i < names.Length; i++)
            names[i] = reader.ReadString(); // empty after an error
        return names;
    }
}
