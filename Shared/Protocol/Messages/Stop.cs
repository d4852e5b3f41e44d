namespace Distributed.Protocol;

/// <summary>Coordinator to worker: the run ends or goes on without you; finish and exit.</summary>
/// <param name="Reason">One clear sentence for a person.</param>
public sealed record Stop(string Reason) : Message
{
    /// <inheritdoc/>
    public override MessageKind Kind => MessageKind.Stop;

    internal override void Write(ref MessagePackWriter writer)
    {
        writer.WriteMapHeader(1);
        writer.Write(0);
        writer.Write(Reason);
    }

    internal static Stop Read(ref MessagePackReader reader)
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
        return new Stop(reason);
    }
}
