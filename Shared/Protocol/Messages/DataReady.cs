namespace Distributed.Protocol;

/// <summary>Coordinator to worker: the data connection is taken; tensors may follow both ways.</summary>
public sealed record DataReady : Message
{
    /// <inheritdoc/>
    public override MessageKind Kind => MessageKind.DataReady;

    internal override void Write(ref MessagePackWriter writer) => writer.WriteMapHeader(0);

    internal static DataReady Read(ref MessagePackReader reader)
    {
        FieldReader fields = new(reader.ReadMapHeader());
        while (fields.Next(ref reader, out _))
            reader.Skip();
        return new DataReady();
    }
}
