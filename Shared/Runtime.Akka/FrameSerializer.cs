using System.Buffers.Binary;
using System.Runtime.Serialization;
using Akka.Actor;
using Akka.Serialization;

namespace Distributed.Runtime.Akka;

/// <summary>
/// The one serializer of what is ours: a <see cref="Frame"/> is its number, 8 bytes little-endian, and its bytes. What
/// is in those is decoded by the link they belong to, under its limits, and never here.
/// </summary>
public sealed class FrameSerializer(ExtendedActorSystem system) : SerializerWithStringManifest(system)
{
    private const string FrameManifest = "f";

    /// <summary>Bytes before a frame's own.</summary>
    internal const int Overhead = sizeof(long);

    /// <inheritdoc/>
    public override int Identifier => 7_301;

    /// <inheritdoc/>
    public override string Manifest(object o) =>
        o is Frame ? FrameManifest : throw new ArgumentException($"{o.GetType()} is not sent to other nodes.");

    /// <inheritdoc/>
    public override byte[] ToBinary(object obj)
    {
        if (obj is not Frame frame) throw new ArgumentException($"{obj.GetType()} is not sent to other nodes.");
        byte[] bytes = new byte[Overhead + frame.Bytes.Length];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, frame.Number);
        frame.Bytes.CopyTo(bytes, Overhead);
        return bytes;
    }

    /// <inheritdoc/>
    /// <exception cref="SerializationException">It is no frame. Any other exception would end the association with the
    /// node that sent it.</exception>
    public override object FromBinary(byte[] bytes, string manifest) =>
        manifest == FrameManifest && bytes.Length >= Overhead
            ? new Frame(BinaryPrimitives.ReadInt64LittleEndian(bytes), bytes[Overhead..])
            : throw new SerializationException($"{bytes.Length} bytes called '{manifest}' are no frame.");
}
