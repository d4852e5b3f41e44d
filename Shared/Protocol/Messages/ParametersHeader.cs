namespace Distributed.Protocol;

/// <summary>Coordinator to worker, data connection: what stands before a parameter block.</summary>
/// <param name="Fence">The coordinator's fence.</param>
/// <param name="Version">The parameters' version.</param>
public readonly record struct ParametersHeader(Fence Fence, ParameterVersion Version)
    : ITensorHeader<ParametersHeader>
{
    /// <inheritdoc/>
    public static MessageKind Kind => MessageKind.Parameters;

    /// <inheritdoc/>
    public void Write(ref MessagePackWriter writer)
    {
        writer.WriteMapHeader(2);
        writer.Write(0);
        writer.Write(Fence.Value);
        writer.Write(1);
        writer.Write(Version.Value);
    }

    /// <inheritdoc/>
    public static ParametersHeader Read(ref MessagePackReader reader)
    {
        Fence fence = default;
        ParameterVersion version = default;
        FieldReader fields = new(reader.ReadMapHeader());
        while (fields.Next(ref reader, out int key))
        {
            switch (key)
            {
                case 0: fence = reader.ReadFence(); break;
                case 1: version = reader.ReadVersion(); break;
                default: reader.Skip(); break;
            }
        }
        fields.Require(ref reader, 2);
        return new ParametersHeader(fence, version);
    }
}
