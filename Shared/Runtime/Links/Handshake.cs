using Distributed.Protocol;

namespace Distributed.Runtime;

/// <summary>The first message of a connection, read under tighter limits and one deadline for all of it.</summary>
internal static class Handshake
{
    /// <summary>Reads one message before the deadline; null when the connection ended, with its reason in the socket.
    /// </summary>
    /// <param name="socket">The connection.</param>
    /// <param name="limits">The limits.</param>
    /// <param name="maxBytes">The longest message to take.</param>
    /// <param name="milliseconds">The deadline.</param>
    public static Message? Read(FrameSocket socket, ProtocolLimits limits, int maxBytes, int milliseconds)
    {
        using Timer deadline = new(
            state => ((FrameSocket)state!).Close(new LinkEnd(
                LinkEndKind.TimedOut, $"the handshake took longer than {milliseconds} ms")),
            socket, milliseconds, Timeout.Infinite);
        if (!socket.Read(FramePrefix.ByteLength, idle: false, out ReadOnlySpan<byte> bytes))
            return null;
        ProtocolError error = FramePrefix.TryRead(bytes, maxBytes, 0, out FramePrefix prefix);
        if (error == ProtocolError.None)
        {
            if (!socket.Read(prefix.HeaderBytes, idle: false, out bytes))
                return null;
            error = MessageCodec.TryRead(prefix.Kind, bytes, limits, new MessagePool(), out Message? message);
            if (error == ProtocolError.None)
                return message;
        }
        socket.Fail(error);
        return null;
    }

    /// <summary>Sends one message.</summary>
    public static void Send(FrameSocket socket, Message message)
    {
        byte[] frame = [];
        int length = 0;
        MessageCodec.Append(message, ref frame, ref length);
        socket.Send(frame.AsSpan(0, length));
    }

    /// <summary>Turns the peer away with a sentence, and closes.</summary>
    public static void Refuse(FrameSocket socket, string reason)
    {
        Send(socket, new Refused(reason));
        socket.FinishSending();
        socket.Close(LinkEnd.ClosedHere);
    }
}
