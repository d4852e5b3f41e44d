namespace Distributed.Protocol;

/// <summary>Worker to coordinator: answers <see cref="SharedMemoryOffer"/>.</summary>
/// <param name="Opened">True: the memory is open and the nonce was found there, and tensors go through it. False:
/// <see cref="DataReady"/> follows and they go over the connection.</param>
public sealed record SharedMemoryAnswer(bool Opened) : Message
{
    /// <inheritdoc/>
    public override MessageKind Kind => MessageKind.SharedMemoryAnswer;

    internal override void Write(ref MessagePackWriter writer)
    {
        writer.WriteMapHeader(1);
        writer.Write(0);
        writer.Write(Opened);
    }

    internal static SharedMemoryAnswer Read(ref MessagePackReader reader)
    {
        bool opened = default;
        FieldReader fields = new(reader.ReadMapHeader());
        while (fields.Next(ref reader, out int key))
        {
            switch (key)
            {
                case 0: opened = reader.ReadBoolean(); break;
                default: reader.Skip(); break;
            }
        }
        fields.Require(ref reader, 1);
        return new SharedMemoryAnswer(opened);
    }
}
