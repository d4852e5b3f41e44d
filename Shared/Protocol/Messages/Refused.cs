namespace Distributed.Protocol;

/// <summary>Coordinator to worker: the answer to a <see cref="Hello"/> or <see cref="DataHello"/> that isn't let in.
/// The connection then closes.</summary>
/// <param name="Reason">One clear sentence for a person.</param>
public sealed record Refused(string Reason) : Message
{
    /// <inheritdoc/>
    public override MessageKind Kind => MessageKind.Refused;

    internal override void Write(ref MessagePackWriter writer)
    {
        writer.WriteMapHeader(1);
        writer.Write(0);
        writer.Write(Reason);
    }

    internal static Refused Read(ref MessagePackReader reader)
    {
        string reason = "";
        FieldReader fields = new(reader.ReadMapHeader());
        while (fields.Next(ref reader, out int key))
        {
            switch (key)
            {
                case 0: reason = reader.ReadString(); break;
                default: reader.Skip(); break;
            }
        }
        fields.Require(ref reader, 1);
        return new Refused(reason);
    }
}
