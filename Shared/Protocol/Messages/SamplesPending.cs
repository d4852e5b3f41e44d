namespace Distributed.Protocol;

/// <summary>Coordinator to worker, before a <see cref="SamplesOffer"/>: the coordinator loads its data still. Sent
/// again and again meanwhile, so that both ends know that the other is there.</summary>
public sealed record SamplesPending : Message
{
    /// <inheritdoc/>
    public override MessageKind Kind => MessageKind.SamplesPending;

    internal override void Write(ref MessagePackWriter writer) => writer.WriteMapHeader(0);

    internal static SamplesPending Read(ref MessagePackReader reader)
    {
        FieldReader fields = new(reader.ReadMapHeader());
        while (fields.Next(ref reader, out _))
            reader.Skip();
        return new SamplesPending();
    }
}
