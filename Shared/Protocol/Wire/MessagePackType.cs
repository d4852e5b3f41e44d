namespace Distributed.Protocol;

/// <summary>The families of MessagePack formats.</summary>
public enum MessagePackType
{
    /// <summary>No value: the end of the bytes, or the reserved byte 0xc1.</summary>
    None = 0,
    /// <summary>nil</summary>
    Nil,
    /// <summary>true, false</summary>
    Boolean,
    /// <summary>fixint, int and uint of 8 to 64 bits</summary>
    Integer,
    /// <summary>float 32, float 64</summary>
    Float,
    /// <summary>fixstr, str 8 to 32</summary>
    String,
    /// <summary>bin 8 to 32</summary>
    Binary,
    /// <summary>fixarray, array 16, array 32</summary>
    Array,
    /// <summary>fixmap, map 16, map 32</summary>
    Map,
    /// <summary>fixext 1 to 16, ext 8 to 32; the timestamp is extension type -1</summary>
    Extension,
}
