namespace Distributed.Coordinator;

/// <summary>What is done to a running cluster.</summary>
internal enum FaultKind
{
    /// <summary>A local worker is killed (kill -9).</summary>
    KillWorker,

    /// <summary>A local worker stands still for some seconds (SIGSTOP), longer than its lease or shorter.</summary>
    StopWorker,

    /// <summary>One more worker joins, through the proxy.</summary>
    AddWorker,

    /// <summary>A worker that had joined is asked to leave (SIGTERM).</summary>
    RemoveWorker,

    /// <summary>Connections of workers that had joined are cut in the middle of a frame.</summary>
    BreakConnections,

    /// <summary>The coordinator is killed and the command given again.</summary>
    KillCoordinator,

    /// <summary>The same, and a bit of the newest checkpoint is flipped in between.</summary>
    CorruptCheckpoint,
}

/// <summary>One fault of a plan.</summary>
/// <param name="Step">After which step.</param>
/// <param name="Kind">What.</param>
/// <param name="Choice">Which of several, and how long: any number.</param>
internal readonly record struct Fault(long Step, FaultKind Kind, uint Choice)
{
    private const int ShortestStop = 500, LongestStop = 4_000;

    /// <summary>Milliseconds that a stopped worker stands still.</summary>
    public int StopMilliseconds => ShortestStop + (int)(Choice % (LongestStop - ShortestStop));

    /// <summary>
    /// Draws a plan: every kind at least once where there are enough, then any, spread over the middle of the steps. A
    /// function of the seed, the steps and the kinds.
    /// </summary>
    public static IReadOnlyList<Fault> Plan(
        ulong seed, int count, long steps, IReadOnlyList<FaultKind> kinds)
    {
        Random chance = new((int)(seed ^ (seed >> 32)));
        FaultKind[] drawn = [.. Enumerable.Range(0, count).Select(i =>
            i < kinds.Count ? kinds[i] : kinds[chance.Next(kinds.Count)])];
        chance.Shuffle(drawn);

        // Who leaves or loses its connection must have joined before.
        int added = Array.IndexOf(drawn, FaultKind.AddWorker);
        int needed = Array.FindIndex(drawn, kind => kind is FaultKind.RemoveWorker or FaultKind.BreakConnections);
        if (needed >= 0 && added > needed) (drawn[added], drawn[needed]) = (drawn[needed], drawn[added]);
        long[] at = [.. drawn.Select(_ => (long)(steps * (0.05 + (0.85 * chance.NextDouble()))))];
        Array.Sort(at);
        return [.. drawn.Select((kind, i) => new Fault(at[i], kind, (uint)chance.Next()))];
    }
}
