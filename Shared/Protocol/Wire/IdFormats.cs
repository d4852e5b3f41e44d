namespace Distributed.Protocol;

/// <summary>How the ids look in MessagePack: integers; a <see cref="RunId"/> as 16 bytes of bin; a
/// <see cref="TreeNode"/> as an array of start and end.</summary>
internal static class IdFormats
{
    public static void Write(this ref MessagePackWriter writer, RunId run)
    {
        if (writer.TryWriteBinaryHeader(RunId.ByteLength, out Span<byte> room))
            run.WriteTo(room);
    }

    public static void Write(this ref MessagePackWriter writer, TreeNode node)
    {
        writer.WriteArrayHeader(2);
        writer.Write(node.Start);
        writer.Write(node.End);
    }

    public static Fence ReadFence(this ref MessagePackReader reader) => new(reader.ReadNumber());

    public static StepNumber ReadStep(this ref MessagePackReader reader) => new(reader.ReadNumber());

    public static ParameterVersion ReadVersion(this ref MessagePackReader reader) => new(reader.ReadNumber());

    /// <summary>An integer that isn't negative.</summary>
    public static long ReadNumber(this ref MessagePackReader reader)
    {
        long value = reader.ReadInt64();
        if (value < 0)
            reader.Fail(ProtocolError.OutOfRange);
        return value;
    }

    public static RunId ReadRun(this ref MessagePackReader reader)
    {
        ReadOnlySpan<byte> bytes = reader.ReadBinary();
        if (bytes.Length == RunId.ByteLength)
            return RunId.FromBytes(bytes);
        reader.Fail(ProtocolError.OutOfRange);
        return default;
    }

    /// <summary>A node with 0 &lt;= start &lt; end.</summary>
    public static TreeNode ReadNode(this ref MessagePackReader reader)
    {
        if (reader.ReadArrayHeader() != 2)
            reader.Fail(ProtocolError.WrongType);
        int start = reader.ReadInt32(0);
        int end = reader.ReadInt32(0);
        if (end <= start)
            reader.Fail(ProtocolError.OutOfRange);
        return new TreeNode(start, end);
    }
}
