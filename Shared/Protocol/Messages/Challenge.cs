namespace Distributed.Protocol;

/// <summary>
/// Coordinator to worker, answers <see cref="Knock"/>. The hello that follows shows, in the place of the token,
/// HMAC-SHA256 (RFC 2104) with the token as key over the nonce, both as UTF-8, in lower-case hexadecimal. So the token
/// itself never crosses the wire, and what was recorded is worth nothing on another connection.
/// </summary>
/// <param name="Nonce">A random text that no other connection gets.</param>
public sealed record Challenge(string Nonce) : Message
{
    /// <inheritdoc/>
    public override MessageKind Kind => MessageKind.Challenge;

    internal override void Write(ref MessagePackWriter writer)
    {
        writer.WriteMapHeader(1);
        writer.Write(0);
        writer.Write(Nonce);
    }

    internal static Challenge Read(ref MessagePackReader reader)
    {
        string nonce = "";
        FieldReader fields = new(reader.ReadMapHeader());
        while (fields.Next(ref reader, out int key))
        {
            switch (key)
            {
                case 0: nonce = reader.ReadString(); break;
                default: reader.Skip(); break;
            }
        }
        fields.Require(ref reader, 1);
        return new Challenge(nonce);
    }
}
