namespace Distributed.Protocol;

/// <summary>
/// Coordinator to worker, samples connection: what stands before a piece of the data set. The data set is one stream of
/// bytes: the pixels of each training sample, then of each test sample (8 bits a channel, rows, columns, channels),
/// then in the same order their labels as 32-bit little-endian integers.
/// </summary>
/// <param name="From">The piece's place in the stream.</param>
public readonly record struct SamplesHeader(long From) : ITensorHeader<SamplesHeader>
{
    /// <inheritdoc/>
    public static MessageKind Kind => MessageKind.Samples;

    /// <inheritdoc/>
    public void Write(ref MessagePackWriter writer)
    {
        writer.WriteMapHeader(1);
        writer.Write(0);
        writer.Write(From);
    }

    /// <inheritdoc/>
    public static SamplesHeader Read(ref MessagePackReader reader)
    {
        long from = default;
        FieldReader fields = new(reader.ReadMapHeader());
        while (fields.Next(ref reader, out int key))
        {
            switch (key)
            {
                case 0: from = reader.ReadNumber(); break;
                default: reader.Skip(); break;
            }
        }
        fields.Require(ref reader, 1);
        return new SamplesHeader(from);
    }
}
