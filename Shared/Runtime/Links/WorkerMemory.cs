using Distributed.Protocol;
using Distributed.Runtime.Native;

namespace Distributed.Runtime;

/// <summary>
/// The memory that a coordinator shares with one worker: words that say what is whose, and slots for gradients. The
/// words, who writes them, and what they mean:
/// <list type="bullet">
/// <item>bell: a counter that the worker raises after a change and wakes the coordinator by. The other way goes
/// <see cref="WorkersBell"/>, which is opened by its descriptor.</item>
/// <item>watched (worker): 1 while one of its threads looks for changes by itself, and so need not be woken.</item>
/// <item>offer: 0, or a sequence number (upper half) and one more than the index of a publication. The coordinator puts
/// the newest there; the worker takes it by exchanging it for 0. What was never taken is replaced, and is the
/// coordinator's again.</item>
/// <item>used (worker): the sequence number of the publication it computes with. All before it are the coordinator's
/// again.</item>
/// <item>descriptors (coordinator): where a publication's memory is opened, by its index.</item>
/// <item>lane (coordinator): the messages that say what to compute, beside the parameters to compute with: see
/// <see cref="MessageLane"/>.</item>
/// <item>pushed (worker): how many gradients it ever pushed; ring (worker): their slots, in order.</item>
/// <item>returned (coordinator): 1 where a pushed slot is the worker's again; the worker puts 0 on taking it.</item>
/// </list>
/// Invariants: a slot is written by the worker alone, and only while it isn't pushed or has been returned; a header
/// stands complete before its slot is in the ring, and the ring before the count. The coordinator trusts nothing here
/// but that the memory stays: it made and sealed it, knows from its own books which slots are pushed, copies a header
/// before it looks at it, and takes any floats as a gradient.
/// No checksum: these bytes never leave the memory they were computed in, and a fault of that memory would not be found
/// by reading it twice.
/// </summary>
internal sealed class WorkerMemory(SharedMemory memory, int slots, int gradientLength)
{
    /// <summary>Publications that can be offered: two for each worker that lags behind, and two.</summary>
    public const int MostPublications = 256;

    /// <summary>Bytes for a tensor's prefix and header.</summary>
    public const int HeaderBytes = 256;

    private const int Page = 4096;
    private const int MostSlots = 1 << 16;
    private const int NonceAt = 0;
    private const int CoordinatorBellAt = 64;
    private const int WatchedAt = 128;
    private const int PushedAt = 192;
    private const int OfferAt = 256;
    private const int UsedAt = 320;
    private const int LaneWrittenAt = 384;
    private const int LaneReadAt = 448;
    private const int BellDescriptorAt = 512;
    private const int DescriptorsAt = 1024;
    private const int LaneAt = Page;
    private const int RingAt = LaneAt + MessageLane.Bytes;

    private readonly long _slotsAt = SlotsAt(slots);
    private readonly long _slotBytes = SlotBytes(gradientLength);

    public SharedMemory Memory => memory;

    public int Slots => slots;

    public ref long Nonce => ref memory.Long(NonceAt);

    public ref int CoordinatorBell => ref memory.Word(CoordinatorBellAt);

    public ref int Watched => ref memory.Word(WatchedAt);

    public ref int BellDescriptor => ref memory.Word(BellDescriptorAt);

    public ref int Pushed => ref memory.Word(PushedAt);

    public ref long Offer => ref memory.Long(OfferAt);

    public ref int Used => ref memory.Word(UsedAt);

    public ref int LaneWritten => ref memory.Word(LaneWrittenAt);

    public ref int LaneRead => ref memory.Word(LaneReadAt);

    public Span<byte> Lane => memory.Bytes(LaneAt, MessageLane.Bytes);

    /// <summary>Bytes of such a memory; 0 where so many slots are not allowed.</summary>
    public static long Bytes(int slots, int gradientLength) =>
        slots is < 1 or > MostSlots ? 0 : SlotsAt(slots) + slots * SlotBytes(gradientLength);

    public ref int Descriptor(int publication) => ref memory.Word(DescriptorsAt + sizeof(int) * publication);

    public ref int Ring(uint place) => ref memory.Word(RingAt + sizeof(int) * (long)(place % (uint)slots));

    public ref int Returned(int slot) => ref memory.Word(RingAt + sizeof(int) * ((long)slots + slot));

    /// <summary>A slot's prefix and header.</summary>
    public Span<byte> Header(int slot) => memory.Bytes(HeadersAt(slots) + (long)HeaderBytes * slot, HeaderBytes);

    public Span<float> Gradient(int slot) => memory.Floats(_slotsAt + _slotBytes * slot, gradientLength);

    /// <summary>Raises a bell and wakes who sleeps on it.</summary>
    public static void Ring(ref int bell)
    {
        Interlocked.Increment(ref bell);
        Futex.Wake(ref bell);
    }

    /// <summary>Reads a tensor's prefix and header out of bytes that are not shared any more.</summary>
    public static ProtocolError TryRead<THeader>(ReadOnlySpan<byte> bytes, ProtocolLimits limits, out THeader header)
        where THeader : struct, ITensorHeader<THeader>
    {
        header = default;
        ProtocolError error = FramePrefix.TryRead(
            bytes, HeaderBytes - FramePrefix.ByteLength, int.MaxValue, out FramePrefix prefix);
        if (error == ProtocolError.None && prefix.Kind != THeader.Kind)
            error = ProtocolError.UnexpectedMessage;
        return error != ProtocolError.None
            ? error
            : MessageCodec.TryReadTensorHeader(
                bytes.Slice(FramePrefix.ByteLength, prefix.HeaderBytes), limits, out header);
    }

    private static long Align(long bytes) => (bytes + Page - 1) / Page * Page;

    private static long HeadersAt(int slots) => RingAt + 2L * sizeof(int) * slots;

    private static long SlotsAt(int slots) => Align(HeadersAt(slots) + (long)HeaderBytes * slots);

    private static long SlotBytes(int gradientLength) => Align(sizeof(float) * (long)gradientLength);
}
