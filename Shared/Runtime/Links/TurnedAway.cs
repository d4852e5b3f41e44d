using System.Diagnostics.Metrics;
using System.Globalization;

namespace Distributed.Runtime;

/// <summary>
/// Counts the connections that were turned away, and says so without filling the log: the first of a kind from an
/// address at once, those that follow as a number, at most one line an address every ten seconds and more seldom the
/// longer it goes on. Any thread may call.
/// </summary>
public sealed class TurnedAway : IDisposable
{
    /// <summary>Whoever comes from further addresses is counted together: nobody can fill the memory.</summary>
    private const int MostAddresses = 64;

    private const string OtherAddresses = "other addresses";

    private static readonly TimeSpan ShortestInterval = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan LongestInterval = TimeSpan.FromMinutes(10);

    private readonly Lock _lock = new();
    private readonly Dictionary<string, long[]> _unsaid = [];
    private readonly HashSet<(string Address, RejectionKind Kind)> _known = [];
    private readonly Counter<long> _counter;
    private readonly Action<string> _log;
    private readonly TimeProvider _time;
    private readonly ITimer _timer;
    private TimeSpan _interval = ShortestInterval;
    private long? _lastSummary;
    private bool _isArmed;
    private long _total;

    /// <summary>Begins at none.</summary>
    /// <param name="log">Takes a sentence.</param>
    /// <param name="time">The clock.</param>
    public TurnedAway(Action<string> log, TimeProvider time)
    {
        _log = log;
        _time = time;
        _timer = time.CreateTimer(_ => Summarize(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);

        // Never disposed, so that the last export, as the process ends, still has it.
        _counter = new Meter(Telemetry.SourceName).CreateCounter<long>(
            "distributed.connections_turned_away", "{connection}", "Connections turned away before they took part");
    }

    /// <summary>How many there were.</summary>
    public long Total => Interlocked.Read(ref _total);

    /// <summary>Counts one.</summary>
    public void Count(in Rejection rejection)
    {
        Interlocked.Increment(ref _total);
        _counter.Add(1, new KeyValuePair<string, object?>("kind", Word(rejection.Kind)));
        lock (_lock)
        {
            string address = Place(rejection.Address);
            if (_known.Add((address, rejection.Kind)))
                _log($"Turned away a connection from {rejection.Address}: {rejection.Reason}.");
            else
                CountUnsaid(address, rejection.Kind);
        }
    }

    /// <summary>Says at once what was only counted so far.</summary>
    public void Summarize()
    {
        lock (_lock)
        {
            _isArmed = false;
            if (_unsaid.Count == 0) return;
            _lastSummary = _time.GetTimestamp();
            foreach ((string address, long[] counts) in _unsaid) _log(Sentence(address, counts));
            _unsaid.Clear();
        }
    }

    /// <summary>Says what is left to say.</summary>
    public void Dispose()
    {
        Summarize();
        _timer.Dispose();
    }

    private void CountUnsaid(string address, RejectionKind kind)
    {
        if (!_unsaid.TryGetValue(address, out long[]? counts))
            _unsaid.Add(address, counts = new long[Enum.GetValues<RejectionKind>().Length]);
        counts[(int)kind]++;
        if (_isArmed) return;
        bool goesOn = _lastSummary is { } last && _time.GetElapsedTime(last) < _interval;
        _interval = !goesOn ? ShortestInterval : _interval * 2 < LongestInterval ? _interval * 2 : LongestInterval;
        _isArmed = true;
        _timer.Change(_interval, Timeout.InfiniteTimeSpan);
    }

    private string Place(string address) =>
        _known.Count < MostAddresses || _known.Any(known => known.Address == address) ? address : OtherAddresses;

    private static string Sentence(string address, long[] counts)
    {
        long sum = counts.Sum();
        IEnumerable<string> parts = counts.Select((count, kind) => (Count: count, Kind: (RejectionKind)kind))
            .Where(part => part.Count > 0).OrderByDescending(part => part.Count)
            .Select(part => $"{Clause(part.Kind)} {Number(part.Count)}");
        return $"{Number(sum)} more {(sum == 1 ? "connection" : "connections")} from {address} "
            + $"{(sum == 1 ? "was" : "were")} turned away: {string.Join(", ", parts)}.";
    }

    private static string Number(long count) => count.ToString("N0", CultureInfo.InvariantCulture);

    private static string Clause(RejectionKind kind) => kind switch
    {
        RejectionKind.Silent => "said nothing in time",
        RejectionKind.Slow => "too slow",
        RejectionKind.Trickled => "in too many pieces",
        RejectionKind.TooLong => "too long",
        RejectionKind.Rubbish => "not this protocol",
        RejectionKind.Replayed => "an old handshake again",
        RejectionKind.WrongToken => "a wrong token",
        RejectionKind.OtherVersion => "another version",
        RejectionKind.Distrusted => "not trusted",
        RejectionKind.Left => "left by itself",
        _ => "too many at once",
    };

    private static string Word(RejectionKind kind) => kind switch
    {
        RejectionKind.Silent => "silent",
        RejectionKind.Slow => "slow",
        RejectionKind.Trickled => "trickled",
        RejectionKind.TooLong => "too_long",
        RejectionKind.Rubbish => "rubbish",
        RejectionKind.Replayed => "replayed",
        RejectionKind.WrongToken => "wrong_token",
        RejectionKind.OtherVersion => "other_version",
        RejectionKind.Distrusted => "distrusted",
        RejectionKind.Left => "left",
        _ => "too_many",
    };
}
