namespace Distributed.Protocol;

/// <summary>Coordinator to worker, instead of <see cref="DataReady"/>: memory to exchange tensors through, if the
/// worker finds it, which only one on the same host does. Answered by <see cref="SharedMemoryAnswer"/>.</summary>
/// <param name="ProcessId">The coordinator's process.</param>
/// <param name="Descriptor">The memory's file descriptor there.</param>
/// <param name="Bytes">Its size.</param>
/// <param name="Slots">How many gradients it has room for.</param>
/// <param name="Nonce">A random number that stands at its beginning.</param>
public sealed record SharedMemoryOffer(int ProcessId, int Descriptor, long Bytes, int Slots, ulong Nonce) : Message
{
    /// <inheritdoc/>
    public override MessageKind Kind => MessageKind.SharedMemoryOffer;

    internal override void Write(ref MessagePackWriter writer)
    {
        writer.WriteMapHeader(5);
        writer.Write(0);
        writer.Write(ProcessId);
        writer.Write(1);
        writer.Write(Descriptor);
        writer.Write(2);
        writer.Write(Bytes);
        writer.Write(3);
        writer.Write(Slots);
        writer.Write(4);
        writer.Write(Nonce);
    }

    internal static SharedMemoryOffer Read(ref MessagePackReader reader)
    {
        int processId = default;
        int descriptor = default;
        long bytes = default;
        int slots = default;
        ulong nonce = default;
        FieldReader fields = new(reader.ReadMapHeader());
        while (fields.Next(ref reader, out int key))
        {
            switch (key)
            {
                case 0: processId = reader.ReadInt32(0); break;
                case 1: descriptor = reader.ReadInt32(0); break;
                case 2: bytes = reader.ReadNumber(); break;
                case 3: slots = reader.ReadInt32(1); break;
                case 4: nonce = reader.ReadUInt64(); break;
                default: reader.Skip(); break;
            }
        }
        fields.Require(ref reader, 5);
        return new SharedMemoryOffer(processId, descriptor, bytes, slots, nonce);
    }
}
