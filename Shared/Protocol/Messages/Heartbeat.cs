namespace Distributed.Protocol;

/// <summary>Both ways, from the link's own thread: the process lives. Links send and take these themselves; no role
/// sees one.</summary>
public sealed record Heartbeat : Message
{
    /// <inheritdoc/>
    public override MessageKind Kind => MessageKind.Heartbeat;

    /// <summary>The coordinator's fence.</summary>
    public Fence Fence { get; set; }

    internal override void Write(ref MessagePackWriter writer)
    {
        writer.WriteMapHeader(1);
        writer.Write(0);
        writer.Write(Fence.Value);
    }

    internal void Read(ref MessagePackReader reader)
    {
        FieldReader fields = new(reader.ReadMapHeader());
        while (fields.Next(ref reader, out int key))
        {
            switch (key)
            {
                case 0: Fence = reader.ReadFence(); break;
                default: reader.Skip(); break;
            }
        }
        fields.Require(ref reader, 1);
    }
}
