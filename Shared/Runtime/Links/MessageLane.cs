using Distributed.Protocol;

namespace Distributed.Runtime;

/// <summary>
/// Frames of messages in shared memory, from the coordinator to one worker, in order: a ring of bytes and two counters,
/// of what was ever written and ever read. One thread at a time at each end; each end is an object of its own.
/// </summary>
internal sealed class MessageLane(WorkerMemory memory)
{
    /// <summary>Bytes that may wait to be read; a power of two.</summary>
    public const int Bytes = 64 << 10;

    private byte[] _frame = new byte[1024];
    private uint _at;

    /// <summary>Writes a message; false when the reader is so far behind that it doesn't fit.</summary>
    public bool TryWrite(Message message)
    {
        int length = 0;
        MessageCodec.Append(message, ref _frame, ref length);
        uint waiting = _at - (uint)Volatile.Read(ref memory.LaneRead);
        if (waiting > Bytes || length > Bytes - waiting)
            return false;
        ReadOnlySpan<byte> frame = _frame.AsSpan(0, length);
        int first = Math.Min(length, ToEnd);
        frame[..first].CopyTo(memory.Lane[Place..]);
        frame[first..].CopyTo(memory.Lane);
        _at += (uint)length;
        Volatile.Write(ref memory.LaneWritten, (int)_at);
        return true;
    }

    /// <summary>At the writing end: whether something was not read yet.</summary>
    public bool IsWaiting => (int)_at != Volatile.Read(ref memory.LaneRead);

    /// <summary>Reads the next message; null without an error: there is none.</summary>
    public ProtocolError TryRead(ProtocolLimits limits, MessagePool pool, out Message? message)
    {
        message = null;
        uint waiting = (uint)Volatile.Read(ref memory.LaneWritten) - _at;
        if (waiting == 0)
            return ProtocolError.None;
        if (waiting is < FramePrefix.ByteLength or > Bytes)
            return ProtocolError.WrongPlace;
        Copy(FramePrefix.ByteLength);
        int most = (int)waiting - FramePrefix.ByteLength;
        ProtocolError error = FramePrefix.TryRead(_frame, most, 0, out FramePrefix prefix);
        if (error != ProtocolError.None)
            return error;
        Copy(prefix.HeaderBytes);
        Volatile.Write(ref memory.LaneRead, (int)_at);
        return MessageCodec.TryRead(
            prefix.Kind, _frame.AsSpan(0, prefix.HeaderBytes), limits, pool, out message);
    }

    private int Place => (int)(_at % Bytes);

    private int ToEnd => Bytes - Place;

    private void Copy(int length)
    {
        if (_frame.Length < length)
            _frame = new byte[length];
        int first = Math.Min(length, ToEnd);
        memory.Lane.Slice(Place, first).CopyTo(_frame);
        memory.Lane[..(length - first)].CopyTo(_frame.AsSpan(first));
        _at += (uint)length;
    }
}
