namespace Distributed.Runtime.Akka;

/// <summary>
/// All that we send through Akka.Remote: a message's frame as it would stand on a connection, and its number on its
/// link. A link's messages are numbered from 1, so that a lost one is noticed.
/// </summary>
/// <param name="Number">The number; 0: a hello, which belongs to no link yet.</param>
/// <param name="Bytes">Prefix and MessagePack header; empty: the link's end.</param>
internal sealed record Frame(long Number, byte[] Bytes)
{
    /// <summary>Leaves the bytes out: a hello's hold the token.</summary>
    public override string ToString() => $"frame {Number} of {Bytes.Length} bytes";
}
