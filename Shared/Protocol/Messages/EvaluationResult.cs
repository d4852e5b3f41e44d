using System.Buffers.Binary;

namespace Distributed.Protocol;

/// <summary>Worker to coordinator: the answer to an <see cref="Evaluate"/>.</summary>
/// <param name="Fence">The coordinator's fence.</param>
/// <param name="Evaluation">The evaluation's number.</param>
/// <param name="First">The first sample, as asked.</param>
/// <param name="Count">How many samples, as asked.</param>
/// <param name="Losses">The loss sum of each micro-batch, in order from <paramref name="First"/>.</param>
/// <param name="Predictions">The predicted class of each sample.</param>
/// <param name="TopFive">Samples whose label is among the five likeliest classes.</param>
public sealed record EvaluationResult(
    Fence Fence, long Evaluation, int First, int Count, double[] Losses, int[] Predictions, int TopFive)
    : Message
{
    /// <inheritdoc/>
    public override MessageKind Kind => MessageKind.EvaluationResult;

    internal override void Write(ref MessagePackWriter writer)
    {
        writer.WriteMapHeader(7);
        writer.Write(0);
        writer.Write(Fence.Value);
        writer.Write(1);
        writer.Write(Evaluation);
        writer.Write(2);
        writer.Write(First);
        writer.Write(3);
        writer.Write(Count);
        writer.Write(4);
        WriteLosses(ref writer);
        writer.Write(5);
        WritePredictions(ref writer);
        writer.Write(6);
        writer.Write(TopFive);
    }

    internal static EvaluationResult Read(ref MessagePackReader reader)
    {
        Fence fence = default;
        long evaluation = default;
        int first = default;
        int count = default;
        double[] losses = [];
        int[] predictions = [];
        int topFive = default;
        FieldReader fields = new(reader.ReadMapHeader());
        while (fields.Next(ref reader, out int key))
        {
            switch (key)
            {
                case 0: fence = reader.ReadFence(); break;
                case 1: evaluation = reader.ReadNumber(); break;
                case 2: first = reader.ReadInt32(0); break;
                case 3: count = reader.ReadInt32(0); break;
                case 4: losses = ReadLosses(ref reader); break;
                case 5: predictions = ReadPredictions(ref reader); break;
                case 6: topFive = reader.ReadInt32(0); break;
                default: reader.Skip(); break;
            }
        }
        fields.Require(ref reader, 7);
        return new EvaluationResult(fence, evaluation, first, count, losses, predictions, topFive);
    }

    /// <summary>Equal field by field, arrays item by item.</summary>
    public bool Equals(EvaluationResult? other) =>
        other is not null && Fence == other.Fence && Evaluation == other.Evaluation && First == other.First
        && (Count, TopFive) == (other.Count, other.TopFive) && Losses.AsSpan().SequenceEqual(other.Losses)
        && Predictions.AsSpan().SequenceEqual(other.Predictions);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Fence, Evaluation, First, Count);

    private void WriteLosses(ref MessagePackWriter writer)
    {
        writer.WriteArrayHeader(Losses.Length);
        foreach (double loss in Losses)
            writer.Write(loss);
    }

    private static double[] ReadLosses(ref MessagePackReader reader)
    {
        double[] losses = new double[reader.ReadArrayHeader()];
        for (int i = 0; i < losses.Length && !reader.Failed; i++)
            losses[i] = reader.ReadDouble();
        return losses;
    }

    // A bin of 32-bit little-endian integers.
    private void WritePredictions(ref MessagePackWriter writer)
    {
        if (!writer.TryWriteBinaryHeader(sizeof(int) * Predictions.Length, out Span<byte> room))
            return;
        for (int i = 0; i < Predictions.Length; i++)
            BinaryPrimitives.WriteInt32LittleEndian(room[(sizeof(int) * i)..], Predictions[i]);
    }

    private static int[] ReadPredictions(ref MessagePackReader reader)
    {
        ReadOnlySpan<byte> bytes = reader.ReadBinary();
        if (bytes.Length % sizeof(int) != 0)
            reader.Fail(ProtocolError.OutOfRange);
        int[] predictions = new int[bytes.Length / sizeof(int)];
        for (int i = 0; i < predictions.Length; i++)
            predictions[i] = BinaryPrimitives.ReadInt32LittleEndian(bytes[(sizeof(int) * i)..]);
        return predictions;
    }
}
