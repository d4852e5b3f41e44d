using System.Net;
using System.Net.Sockets;
using Distributed.Protocol;

namespace Distributed.Runtime;

/// <summary>
/// Takes the connections of a port, and keeps those that have not said yet who they are: all of them on one thread,
/// whose work a second is bounded however many come. None of them gets a thread or a buffer before it has spoken.
/// </summary>
/// <remarks>
/// Why what comes too fast is not refused: who floods a port from this machine has the address of the run's own
/// workers, and those would be refused with it. So a newcomer is always taken, up to the rate of accepts, and the one
/// that has said nothing for longest makes room for it. A worker speaks within milliseconds; to close it before that
/// takes as many strangers in those milliseconds as may wait.
/// </remarks>
/// <param name="socket">Listens.</param>
/// <param name="limits">The limits for strangers.</param>
/// <param name="isTls">Whether a TLS handshake comes first.</param>
/// <param name="time">The clock of deadlines and rates.</param>
internal sealed class Doorkeeper(Socket socket, ProtocolLimits limits, bool isTls, TimeProvider time) : IDisposable
{
    /// <summary>After so long at most it looks at the clock and whether it is to end.</summary>
    private static readonly TimeSpan LongestWait = TimeSpan.FromMilliseconds(250);

    /// <summary>In a flood it looks only so often, and deals with all that came meanwhile at once: every look asks the
    /// system about each one that waits.</summary>
    private static readonly TimeSpan FloodPause = TimeSpan.FromMilliseconds(20);

    private const int RoundsPerSecond = 10; // without a pause
    private const int RoundsAtOnce = 50;
    private const int ErrorPauseMilliseconds = 50;

    private readonly ManualResetEventSlim _closed = new(initialState: false, spinCount: 0);
    private readonly List<Stranger> _strangers = []; // in the order in which they came
    private readonly Dictionary<Socket, Stranger> _bySocket = [];
    private readonly List<Socket> _watched = [];
    private readonly TokenBucket _accepts = new(limits.AcceptsPerSecond, limits.AcceptsPerSecond, time);
    private readonly TokenBucket _rounds = new(RoundsPerSecond, RoundsAtOnce, time);
    private readonly AddressBuckets _handshakes =
        new(() => new TokenBucket(limits.HandshakesPerSecond, 2 * limits.HandshakesPerSecond, time));
    private readonly byte[] _scratch = new byte[2 * (FramePrefix.ByteLength + limits.MaxHandshakeBytes)];
    private int _greeting;

    /// <summary>Takes a stranger that has said who it is or, with TLS, whose turn it is to begin. With TLS
    /// <see cref="Greeted"/> ends it.</summary>
    public required Action<Stranger> Greet { get; init; }

    /// <summary>Is told of those that were closed.</summary>
    public required Action<IPAddress, RejectionKind, string> TurnAway { get; init; }

    /// <summary>A TLS handshake has ended, as it may.</summary>
    public void Greeted() => Interlocked.Decrement(ref _greeting);

    /// <summary>Takes connections until it is disposed.</summary>
    public void Run()
    {
        while (!_closed.IsSet)
        {
            try
            {
                Round();
            }
            catch (ObjectDisposedException) when (_closed.IsSet)
            {
                break;
            }
            catch (SocketException)
            {
                // A connection was gone already, or the process is out of handles; the next may succeed.
                _closed.Wait(ErrorPauseMilliseconds);
            }

            if (!_rounds.TryTake()) _closed.Wait(FloodPause);
        }

        foreach (Stranger stranger in _strangers) stranger.Reset();
    }

    /// <summary>Takes no more connections, and closes those that have not said who they are.</summary>
    public void Dispose()
    {
        _closed.Set();
        socket.Dispose();
    }

    private void Round()
    {
        if (_strangers.Count == 0 && _accepts.TryTake())
        {
            Add(socket.Accept());
        }
        else
        {
            bool mayAccept = Watch();
            TimeSpan wait = UntilNext(mayAccept);
            if (_watched.Count > 0) Socket.Select(_watched, null, null, wait);
            else _closed.Wait(wait);
            bool isAsked = _watched.Remove(socket);
            foreach (Socket spoken in _watched) Hear(_bySocket[spoken]);
            while (isAsked && !_closed.IsSet && _accepts.TryTake())
            {
                Add(socket.Accept());
                isAsked = socket.Poll(0, SelectMode.SelectRead);
            }
        }

        Expire();
        BeginTls();
    }

    /// <summary>Collects the sockets to be watched; whether the one that listens is among them.</summary>
    private bool Watch()
    {
        _watched.Clear();
        foreach (Stranger stranger in _strangers)
        {
            if (!stranger.WaitsForTls) _watched.Add(stranger.Socket);
        }

        bool mayAccept = _accepts.UntilNext == TimeSpan.Zero;
        if (mayAccept) _watched.Add(socket);
        return mayAccept;
    }

    private TimeSpan UntilNext(bool mayAccept)
    {
        TimeSpan wait = LongestWait;
        if (!mayAccept) wait = Least(wait, _accepts.UntilNext);
        if (_strangers.Count > 0) wait = Least(wait, Deadline - time.GetElapsedTime(_strangers[0].Since));
        foreach (Stranger stranger in _strangers)
        {
            if (stranger.WaitsForTls) wait = Least(wait, _handshakes.Of(stranger.Address).UntilNext);
        }

        return wait > TimeSpan.Zero ? wait : TimeSpan.Zero;
    }

    private TimeSpan Deadline => TimeSpan.FromMilliseconds(limits.HandshakeMilliseconds);

    private void Add(Socket accepted)
    {
        Stranger stranger = new(accepted, time.GetTimestamp());
        _strangers.Add(stranger);
        _bySocket.Add(accepted, stranger);

        // In a flood most have spoken by the time they are taken: that spares asking the system about them.
        if (accepted.Available > 0) Hear(stranger);
        if (_strangers.Count > 0 && _strangers.Count + Volatile.Read(ref _greeting) > limits.MaxPendingHandshakes)
        {
            Close(_strangers[0], RejectionKind.TooMany,
                $"more than {limits.MaxPendingHandshakes} connections wait to say who they are, and it waited longest");
        }
    }

    private void Hear(Stranger stranger)
    {
        if (isTls) stranger.PeekForTls();
        else stranger.Read(limits, _scratch);
        if (stranger.Objection is { } objection)
        {
            Close(stranger, objection.Kind, objection.Reason);
        }
        else if (stranger.Message is not null)
        {
            Forget(stranger);
            Greet(stranger);
        }
        else if (stranger.Pieces > limits.HandshakePiecesPerSecond
            * (1 + time.GetElapsedTime(stranger.Since).TotalSeconds))
        {
            Close(stranger, RejectionKind.Trickled,
                $"its first messages came in more than {limits.HandshakePiecesPerSecond} pieces a second");
        }
    }

    private void Expire()
    {
        while (_strangers.Count > 0 && time.GetElapsedTime(_strangers[0].Since) >= Deadline)
        {
            Stranger oldest = _strangers[0];
            (RejectionKind kind, string reason) = oldest switch
            {
                { WaitsForTls: true } =>
                    (RejectionKind.TooMany, $"it waited {limits.HandshakeMilliseconds} ms for its turn"),
                { Pieces: 0 } => (RejectionKind.Silent, $"it said nothing for {limits.HandshakeMilliseconds} ms"),
                _ => (RejectionKind.Slow, $"the handshake took longer than {limits.HandshakeMilliseconds} ms"),
            };
            Close(oldest, kind, reason);
        }
    }

    private void BeginTls()
    {
        for (int at = 0; isTls && at < _strangers.Count;)
        {
            Stranger stranger = _strangers[at];
            if (stranger.WaitsForTls && _handshakes.Of(stranger.Address).TryTake())
            {
                Forget(stranger);
                Interlocked.Increment(ref _greeting);
                Greet(stranger);
            }
            else
            {
                at++;
            }
        }
    }

    private void Close(Stranger stranger, RejectionKind kind, string reason)
    {
        Forget(stranger);
        stranger.Reset();
        TurnAway(stranger.Address, kind, reason);
    }

    private void Forget(Stranger stranger)
    {
        _strangers.Remove(stranger);
        _bySocket.Remove(stranger.Socket);
    }

    private static TimeSpan Least(TimeSpan one, TimeSpan other) => one < other ? one : other;
}
