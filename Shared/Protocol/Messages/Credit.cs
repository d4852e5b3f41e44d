namespace Distributed.Protocol;

/// <summary>Coordinator to worker: so many more gradients of a step may be pushed. Mutable and reused: see
/// <see cref="Message"/>.</summary>
public sealed record Credit : Message
{
    /// <inheritdoc/>
    public override MessageKind Kind => MessageKind.Credit;

    /// <summary>The coordinator's fence.</summary>
    public Fence Fence { get; set; }

    /// <summary>The step it counts for.</summary>
    public StepNumber Step { get; set; }

    /// <summary>How many more.</summary>
    public int Count { get; set; }

    internal override void Write(ref MessagePackWriter writer)
    {
        writer.WriteMapHeader(3);
        writer.Write(0);
        writer.Write(Fence.Value);
        writer.Write(1);
        writer.Write(Step.Value);
        writer.Write(2);
        writer.Write(Count);
    }

    internal void Read(ref MessagePackReader reader)
    {
        FieldReader fields = new(reader.ReadMapHeader());
        while (fields.Next(ref reader, out int key))
        {
            switch (key)
            {
                case 0: Fence = reader.ReadFence(); break;
                case 1: Step = reader.ReadStep(); break;
                case 2: Count = reader.ReadInt32(0); break;
                default: reader.Skip(); break;
            }
        }
        fields.Require(ref reader, 3);
    }
}
