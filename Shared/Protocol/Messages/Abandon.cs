namespace Distributed.Protocol;

/// <summary>Coordinator to worker: what is left of the step is no longer wanted.</summary>
/// <param name="Fence">The coordinator's fence.</param>
/// <param name="Step">The step.</param>
public sealed record Abandon(Fence Fence, StepNumber Step) : Message
{
    /// <inheritdoc/>
    public override MessageKind Kind => MessageKind.Abandon;

    internal override void Write(ref MessagePackWriter writer)
    {
        writer.WriteMapHeader(2);
        writer.Write(0);
        writer.Write(Fence.Value);
        writer.Write(1);
        writer.Write(Step.Value);
    }

    internal static Abandon Read(ref MessagePackReader reader)
    {
        Fence fence = default;
        StepNumber step = default;
        FieldReader fields = new(reader.ReadMapHeader());
        while (fields.Next(ref reader, out int key))
        {
            switch (key)
            {
                case 0: fence = reader.ReadFence(); break;
                case 1: step = reader.ReadStep(); break;
                default: reader.Skip(); break;
            }
        }
        fields.Require(ref reader, 2);
        return new Abandon(fence, step);
    }
}
