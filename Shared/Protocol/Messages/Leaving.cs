namespace Distributed.Protocol;

/// <summary>Worker to coordinator: the worker wants to go: it ends what it was dealt and is dealt no more.</summary>
/// <param name="Reason">One clear sentence for a person.</param>
public sealed record Leaving(string Reason) : Message
{
    /// <inheritdoc/>
    public override MessageKind Kind => MessageKind.Leaving;

    internal override void Write(ref MessagePackWriter writer)
    {
        writer.WriteMapHeader(1);
        writer.Write(0);
        writer.Write(Reason);
    }

    internal static Leaving Read(ref MessagePackReader reader)
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
        return new Leaving(reason);
    }
}
