namespace Distributed.Protocol;

/// <summary>What was wrong with bytes that a peer sent. A value, not an exception: it ends the link that the bytes
/// came by.
/// </summary>
public enum ProtocolError
{
    /// <summary>Nothing.</summary>
    None = 0,
    /// <summary>The bytes end within a value.</summary>
    Truncated,
    /// <summary>Bytes are left after the message.</summary>
    TrailingBytes,
    /// <summary>A value of another MessagePack type than expected.</summary>
    WrongType,
    /// <summary>A number outside what the field may hold.</summary>
    OutOfRange,
    /// <summary>The byte 0xc1, which MessagePack never uses.</summary>
    ReservedByte,
    /// <summary>A string that isn't UTF-8.</summary>
    InvalidText,
    /// <summary>A string, array, map, header or payload above its limit.</summary>
    TooLong,
    /// <summary>Arrays and maps nested deeper than the limit.</summary>
    TooDeep,
    /// <summary>A field that the message must have isn't there.</summary>
    MissingField,
    /// <summary>A field came twice.</summary>
    RepeatedField,
    /// <summary>A frame that doesn't start with the protocol's magic bytes.</summary>
    BadMagic,
    /// <summary>Reserved bits of a frame's prefix are set.</summary>
    ReservedBits,
    /// <summary>A message number that doesn't exist or doesn't belong on this connection.</summary>
    UnexpectedMessage,
    /// <summary>A payload on a message that has none, or of another length than this run's blocks.</summary>
    WrongPayloadLength,
    /// <summary>A payload whose CRC-32C differs from the one sent with it.</summary>
    ChecksumMismatch,
    /// <summary>A place in shared memory that doesn't exist, or that isn't the sender's to use.</summary>
    WrongPlace,
}

/// <summary>Words for <see cref="ProtocolError"/>.</summary>
public static class ProtocolErrorText
{
    /// <summary>A clause for a person, to follow "the peer sent ".</summary>
    public static string Describe(this ProtocolError error) => error switch
    {
        ProtocolError.None => "nothing wrong",
        ProtocolError.Truncated => "a message that ends within a value",
        ProtocolError.TrailingBytes => "bytes after the end of a message",
        ProtocolError.WrongType => "a field of the wrong type",
        ProtocolError.OutOfRange => "a number out of its range",
        ProtocolError.ReservedByte => "a byte that MessagePack reserves",
        ProtocolError.InvalidText => "text that is not UTF-8",
        ProtocolError.TooLong => "a length above its limit",
        ProtocolError.TooDeep => "values nested too deep",
        ProtocolError.MissingField => "a message without a required field",
        ProtocolError.RepeatedField => "a message with a field twice",
        ProtocolError.BadMagic => "bytes that are not this protocol's",
        ProtocolError.ReservedBits => "a frame with reserved bits set",
        ProtocolError.UnexpectedMessage => "a message that does not belong on this connection",
        ProtocolError.WrongPayloadLength => "a payload of the wrong length",
        ProtocolError.ChecksumMismatch => "a payload whose CRC-32C does not match",
        ProtocolError.WrongPlace => "a place in shared memory that is not its own",
        _ => error.ToString(),
    };
}
