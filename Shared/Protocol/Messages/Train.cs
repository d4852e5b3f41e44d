namespace Distributed.Protocol;

/// <summary>Coordinator to worker: compute these nodes of a step and push their gradient sums. Mutable and reused:
/// see <see cref="Message"/>.</summary>
public sealed record Train : Message
{
    /// <inheritdoc/>
    public override MessageKind Kind => MessageKind.Train;

    /// <summary>The coordinator's fence.</summary>
    public Fence Fence { get; set; }

    /// <summary>The step.</summary>
    public StepNumber Step { get; set; }

    /// <summary>The epoch, from 0.</summary>
    public int Epoch { get; set; }

    /// <summary>The parameters to compute with.</summary>
    public ParameterVersion Version { get; set; }

    /// <summary>Where the mini-batch begins in the epoch's permutation of the training samples.</summary>
    public int FirstSample { get; set; }

    /// <summary>Samples in the whole mini-batch; the last micro-batch may be short.</summary>
    public int Samples { get; set; }

    /// <summary>Samples in a full micro-batch (m).</summary>
    public int MicroBatch { get; set; }

    /// <summary>The nodes to compute, in order, of the tree over <see cref="MicroBatches"/> micro-batches.</summary>
    public List<TreeNode> Nodes { get; private set; } = [];

    /// <summary>How many gradients the worker may push at once, besides later <see cref="Credit"/>.</summary>
    public int Credits { get; set; }

    /// <summary>G = ceil(<see cref="Samples"/> / <see cref="MicroBatch"/>). Not on the wire.</summary>
    public int MicroBatches => MicroBatch <= 0 ? 0 : (int)(((long)Samples + MicroBatch - 1) / MicroBatch);

    /// <summary>Equal field by field, nodes in order.</summary>
    public bool Equals(Train? other) =>
        other is not null && Fence == other.Fence && Step == other.Step && Epoch == other.Epoch
        && Version == other.Version && FirstSample == other.FirstSample && Samples == other.Samples
        && MicroBatch == other.MicroBatch && Credits == other.Credits && Nodes.SequenceEqual(other.Nodes);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Fence, Step, FirstSample, Nodes.Count);

    internal override void Write(ref MessagePackWriter writer)
    {
        writer.WriteMapHeader(9);
        writer.Write(0);
        writer.Write(Fence.Value);
        writer.Write(1);
        writer.Write(Step.Value);
        writer.Write(2);
        writer.Write(Epoch);
        writer.Write(3);
        writer.Write(Version.Value);
        writer.Write(4);
        writer.Write(FirstSample);
        writer.Write(5);
        writer.Write(Samples);
        writer.Write(6);
        writer.Write(MicroBatch);
        writer.Write(7);
        WriteNodes(ref writer);
        writer.Write(8);
        writer.Write(Credits);
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
                case 2: Epoch = reader.ReadInt32(0); break;
                case 3: Version = reader.ReadVersion(); break;
                case 4: FirstSample = reader.ReadInt32(0); break;
                case 5: Samples = reader.ReadInt32(1); break;
                case 6: MicroBatch = reader.ReadInt32(1); break;
                case 7: ReadNodes(ref reader); break;
                case 8: Credits = reader.ReadInt32(0); break;
                default: reader.Skip(); break;
            }
        }
        fields.Require(ref reader, 9);
    }

    private void WriteNodes(ref MessagePackWriter writer)
    {
        writer.WriteArrayHeader(Nodes.Count);
        foreach (TreeNode node in Nodes)
            writer.Write(node);
    }

    private void ReadNodes(ref MessagePackReader reader)
    {
        Nodes.Clear();
        for (int left = reader.ReadArrayHeader(); left > 0 && !reader.Failed; left--)
            Nodes.Add(reader.ReadNode());
    }
}
