namespace Distributed.Protocol;

/// <summary>Coordinator to worker: score samples [First, First + Count) of a split.</summary>
/// <param name="Fence">The coordinator's fence.</param>
/// <param name="Evaluation">Numbers the evaluation within the fence.</param>
/// <param name="Version">The parameters to score.</param>
/// <param name="Split">The part of the data set.</param>
/// <param name="First">The first sample, a multiple of <paramref name="MicroBatch"/>.</param>
/// <param name="Count">How many samples.</param>
/// <param name="MicroBatch">Samples in a full micro-batch; the last may be short.</param>
public sealed record Evaluate(
    Fence Fence, long Evaluation, ParameterVersion Version, DataSplit Split, int First, int Count, int MicroBatch)
    : Message
{
    /// <inheritdoc/>
    public override MessageKind Kind => MessageKind.Evaluate;

    internal override void Write(ref MessagePackWriter writer)
    {
        writer.WriteMapHeader(7);
        writer.Write(0);
        writer.Write(Fence.Value);
        writer.Write(1);
        writer.Write(Evaluation);
        writer.Write(2);
        writer.Write(Version.Value);
        writer.Write(3);
        writer.Write((int)Split);
        writer.Write(4);
        writer.Write(First);
        writer.Write(5);
        writer.Write(Count);
        writer.Write(6);
        writer.Write(MicroBatch);
    }

    internal static Evaluate Read(ref MessagePackReader reader)
    {
        Fence fence = default;
        long evaluation = default;
        ParameterVersion version = default;
        DataSplit split = default;
        int first = default;
        int count = default;
        int microBatch = default;
        FieldReader fields = new(reader.ReadMapHeader());
        while (fields.Next(ref reader, out int key))
        {
            switch (key)
            {
                case 0: fence = reader.ReadFence(); break;
                case 1: evaluation = reader.ReadNumber(); break;
                case 2: version = reader.ReadVersion(); break;
                case 3: split = (DataSplit)reader.ReadInt32(0, (int)DataSplit.Test); break;
                case 4: first = reader.ReadInt32(0); break;
                case 5: count = reader.ReadInt32(0); break;
                case 6: microBatch = reader.ReadInt32(1); break;
                default: reader.Skip(); break;
            }
        }
        fields.Require(ref reader, 7);
        return new Evaluate(fence, evaluation, version, split, first, count, microBatch);
    }
}
