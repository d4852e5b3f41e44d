namespace Distributed.Protocol;

/// <summary>The first message of every connection, worker to coordinator; answered by <see cref="Challenge"/>.
/// </summary>
public sealed record Knock : Message
{
    /// <inheritdoc/>
    public override MessageKind Kind => MessageKind.Knock;

    internal override void Write(ref MessagePackWriter writer) => writer.WriteMapHeader(0);

    internal static Knock Read(ref MessagePackReader reader)
    {
        FieldReader fields = new(reader.ReadMapHeader());
        while (fields.Next(ref reader, out _))
            reader.Skip();
        return new Knock();
    }
}
