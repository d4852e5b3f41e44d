namespace Distributed.Protocol;

/// <summary>Worker to coordinator, data connection: what stands before a node's gradient block. The block is the sum
/// (not the mean) over the node's samples.</summary>
/// <param name="Fence">The coordinator's fence.</param>
/// <param name="Step">The step.</param>
/// <param name="Node">The node of the step's reduction tree.</param>
/// <param name="Samples">Samples summed.</param>
/// <param name="LossSum">The loss summed over the samples, along the tree.</param>
/// <param name="Correct">How many samples were predicted right.</param>
/// <param name="ComputeMicroseconds">Compute time spent on the node, for dealing in proportion to speed.</param>
/// <param name="AllocatedBytes">Bytes the worker's process allocated on the managed heap since its last push.</param>
public readonly record struct GradientHeader(
    Fence Fence, StepNumber Step, TreeNode Node, int Samples, double LossSum, int Correct,
    long ComputeMicroseconds, long AllocatedBytes)
    : ITensorHeader<GradientHeader>
{
    /// <inheritdoc/>
    public static MessageKind Kind => MessageKind.Gradient;

    /// <inheritdoc/>
    public void Write(ref MessagePackWriter writer)
    {
        writer.WriteMapHeader(8);
        writer.Write(0);
        writer.Write(Fence.Value);
        writer.Write(1);
        writer.Write(Step.Value);
        writer.Write(2);
        writer.Write(Node);
        writer.Write(3);
        writer.Write(Samples);
        writer.Write(4);
        writer.Write(LossSum);
        writer.Write(5);
        writer.Write(Correct);
        writer.Write(6);
        writer.Write(ComputeMicroseconds);
        writer.Write(7);
        writer.Write(AllocatedBytes);
    }

    /// <inheritdoc/>
    public static GradientHeader Read(ref MessagePackReader reader)
    {
        Fence fence = default;
        StepNumber step = default;
        TreeNode node = default;
        int samples = default;
        double lossSum = default;
        int correct = default;
        long computeMicroseconds = default;
        long allocatedBytes = default;
        FieldReader fields = new(reader.ReadMapHeader());
        while (fields.Next(ref reader, out int key))
        {
            switch (key)
            {
                case 0: fence = reader.ReadFence(); break;
                case 1: step = reader.ReadStep(); break;
                case 2: node = reader.ReadNode(); break;
                case 3: samples = reader.ReadInt32(1); break;
                case 4: lossSum = reader.ReadDouble(); break;
                case 5: correct = reader.ReadInt32(0); break;
                case 6: computeMicroseconds = reader.ReadNumber(); break;
                case 7: allocatedBytes = reader.ReadNumber(); break;
                default: reader.Skip(); break;
            }
        }
        fields.Require(ref reader, 8);
        return new GradientHeader(fence, step, node, samples, lossSum, correct, computeMicroseconds, allocatedBytes);
    }
}
