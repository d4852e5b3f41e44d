using System.Diagnostics;
using Distributed.Benchmarks.Native;

namespace Distributed.Benchmarks;

/// <summary>
/// Strangers at a port of loopback: so many connections a second, held by the clock, from one thread. One after the
/// other says nothing, says too much, says something else, says an old handshake again, or says it a byte at a time.
/// </summary>
/// <param name="port">The port.</param>
/// <param name="recorded">The first bytes of a worker's connection of before.</param>
/// <param name="perSecond">Connections a second.</param>
internal sealed class Attack(int port, byte[] recorded, int perSecond)
{
    private const int Kinds = 5;
    private static readonly TimeSpan Answered = TimeSpan.FromMilliseconds(200); // long after a connection stands
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(6); // longer than the coordinator's

    private static readonly byte[] TooMuch =
        [.. "DTR1"u8, 1, 0, 0, 0, 0, 0, 0, 0x40, 0, 0, 0, 0, .. new byte[16 << 10]];

    private readonly ManualResetEvent _tick = new(initialState: false); // never set
    private readonly Queue<(int Socket, TimeSpan At)> _closing = new();
    private readonly Queue<(int Socket, TimeSpan At)> _waiting = new();
    private readonly Queue<(int Socket, int Kind, TimeSpan At)> _speaking = new();
    private readonly Queue<(int Socket, int Sent, TimeSpan At)> _dripping = new();

    /// <summary>Connections that were begun.</summary>
    public int Count { get; private set; }

    /// <summary>Attacks for so long.</summary>
    public void Run(TimeSpan duration)
    {
        Stopwatch clock = Stopwatch.StartNew();
        while (clock.Elapsed is var now && now < duration)
        {
            for (int due = (int)(now.TotalSeconds * perSecond); Count < due; Count++) Begin(now);
            Continue(now);
            _tick.WaitOne(1);
        }

        foreach ((int socket, _) in _closing.Concat(_waiting)) RawSockets.Close(socket);
        foreach ((int socket, _, _) in _speaking.Concat(_dripping)) RawSockets.Close(socket);
    }

    private void Begin(TimeSpan now)
    {
        int socket = RawSockets.Connect(port);
        if (socket < 0) throw new InvalidOperationException("The attacker is out of handles; raise 'ulimit -n'.");
        int kind = Count % Kinds;
        if (kind == 0) _waiting.Enqueue((socket, now + Patience));
        else if (kind == 1) _dripping.Enqueue((socket, 0, now));
        else _speaking.Enqueue((socket, kind, now));
    }

    private void Continue(TimeSpan now)
    {
        while (_speaking.TryPeek(out (int Socket, int Kind, TimeSpan At) next) && next.At < now)
        {
            _speaking.Dequeue();
            RawSockets.Send(next.Socket, next.Kind switch
            {
                2 => TooMuch,
                3 => "GET / HTTP/1.1\r\nHost: strange\r\n\r\n"u8,
                _ => recorded,
            });
            _closing.Enqueue((next.Socket, now + Answered));
        }

        while (_dripping.TryPeek(out (int Socket, int Sent, TimeSpan At) next) && next.At < now)
        {
            _dripping.Dequeue();
            if (next.Sent < recorded.Length - 1 && RawSockets.Send(next.Socket, recorded.AsSpan(next.Sent, 1)))
                _dripping.Enqueue((next.Socket, next.Sent + 1, now + Answered));
            else
                RawSockets.Close(next.Socket);
        }

        Close(_closing, now);
        Close(_waiting, now);
    }

    private static void Close(Queue<(int Socket, TimeSpan At)> queue, TimeSpan now)
    {
        while (queue.TryPeek(out (int Socket, TimeSpan At) next) && next.At < now)
        {
            queue.Dequeue();
            RawSockets.Close(next.Socket);
        }
    }
}
