namespace Distributed.Protocol;

/// <summary>Worker to coordinator: data and plan are loaded and the data connection is up.</summary>
/// <param name="DataSha256">The hash of the decoded data set, lower-case hexadecimal.</param>
/// <param name="ParameterCount">Parameters of the compiled model, without padding.</param>
public sealed record Ready(string DataSha256, long ParameterCount) : Message
{
    /// <inheritdoc/>
    public override MessageKind Kind => MessageKind.Ready;

    internal override void Write(ref MessagePackWriter writer)
    {
        writer.WriteMapHeader(2);
        writer.Write(0);
        writer.Write(DataSha256);
        writer.Write(1);
        writer.Write(ParameterCount);
    }

    internal static Ready Read(ref MessagePackReader reader)
    {
        string dataSha256 = "";
        long parameterCount = default;
        FieldReader fields = new(reader.ReadMapHeader());
        while (fields.Next(ref reader, out int key))
        {
            switch (key)
            {
                case 0: dataSha256 = reader.ReadString(); break;
                case 1: parameterCount = reader.ReadNumber(); break;
                default: reader.Skip(); break;
            }
        }
        fields.Require(ref reader, 2);
        return new Ready(dataSha256, parameterCount);
    }
}
