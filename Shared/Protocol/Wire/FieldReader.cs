namespace Distributed.Protocol;

/// <summary>
/// Walks the fields of a message: a map with integer keys below 64. Keys may come in any order; the message's
/// reader skips those it doesn't know, a key that comes twice is an error.
/// </summary>
internal struct FieldReader(int count)
{
    private int _left = count;
    private ulong _seen;

    /// <summary>Reads the next key; false at the end or after an error.</summary>
    public bool Next(ref MessagePackReader reader, out int key)
    {
        key = 0;
        if (_left-- <= 0 || reader.Failed)
            return false;
        key = reader.ReadInt32(0);
        if (key < 64)
        {
            if ((_seen >> key & 1) != 0)
                reader.Fail(ProtocolError.RepeatedField);
            _seen |= 1ul << key;
        }
        return !reader.Failed;
    }

    /// <summary>Fails unless all keys below <paramref name="count"/> came.</summary>
    public readonly void Require(ref MessagePackReader reader, int count)
    {
        ulong required = (1ul << count) - 1;
        if ((_seen & required) != required)
            reader.Fail(ProtocolError.MissingField);
    }
}
