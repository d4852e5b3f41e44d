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
/// <param name="At">When: after which step, or milliseconds after the start, whichever the plan is counted in.</param>
/// <param name="Kind">What.</param>
/// <param name="Choice">Which of several, and how long: any number.</param>
internal readonly record struct Fault(long At, FaultKind Kind, uint Choice)
{
    /// <summary>
    /// How often the coordinator is killed in a long plan: so seldom that it lives long in between, and shows whether
    /// it grows.
    /// </summary>
    public const int MostCoordinatorFaults = 4;

    private const int ShortestStop = 500, LongestStop = 4_000;

    /// <summary>Milliseconds that a stopped worker stands still.</summary>
    public int StopMilliseconds => ShortestStop + (int)(Choice % (LongestStop - ShortestStop));

    /// <summary>
    /// Draws a plan: every kind at least once where there are enough, then any, spread over the middle of its length. A
    /// function of the arguments.
    /// </summary>
    /// <param name="seed">What it is drawn from.</param>
    /// <param name="count">How many faults.</param>
    /// <param name="length">Steps or milliseconds that the run takes.</param>
    /// <param name="kinds">The kinds to draw from.</param>
    /// <param name="isLong">Whether the coordinator is spared but for a few times.</param>
    public static IReadOnlyList<Fault> Plan(
        ulong seed, int count, long length, IReadOnlyList<FaultKind> kinds, bool isLong = false)
    {
        Random chance = new((int)(seed ^ (seed >> 32)));
        FaultKind[] spared = [FaultKind.KillCoordinator, FaultKind.CorruptCheckpoint];
        List<FaultKind> often = [.. kinds.Where(kind => !isLong || !spared.Contains(kind))];
        FaultKind[] drawn = [.. Enumerable.Range(0, count).Select(i =>
            i < kinds.Count ? kinds[i]
            : isLong && i < kinds.Count + MostCoordinatorFaults - spared.Length ? spared[i % spared.Length]
            : often[chance.Next(often.Count)])];
        chance.Shuffle(drawn);

        // Who leaves or loses its connection must have joined before.
        int added = Array.IndexOf(drawn, FaultKind.AddWorker);
        int needed = Array.FindIndex(drawn, kind => kind is FaultKind.RemoveWorker or FaultKind.BreakConnections);
        if (needed >= 0 && added > needed) (drawn[added], drawn[needed]) = (drawn[needed], drawn[added]);
        long[] at = [.. drawn.Select(_ => (long)(length * (0.05 + (0.85 * chance.NextDouble()))))];
        Array.Sort(at);
        return [.. drawn.Select((kind, i) => new Fault(at[i], kind, (uint)chance.Next()))];
    }
}
