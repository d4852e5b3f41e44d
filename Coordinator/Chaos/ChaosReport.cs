using System.Globalization;

namespace Distributed.Coordinator;

/// <summary>What a chaos run ends with: what was done, what came of it, and whether all is as promised.</summary>
internal sealed record ChaosReport
{
    /// <summary>What was asked for.</summary>
    public required ChaosOptions Options { get; init; }

    /// <summary>The run that nothing disturbed.</summary>
    public required RunResult Calm { get; init; }

    /// <summary>How long it took.</summary>
    public required TimeSpan CalmTook { get; init; }

    /// <summary>The run that was disturbed.</summary>
    public required RunResult Disturbed { get; init; }

    /// <summary>How long it took.</summary>
    public required TimeSpan DisturbedTook { get; init; }

    /// <summary>The faults that were injected.</summary>
    public required IReadOnlyDictionary<FaultKind, int> Injected { get; init; }

    /// <summary>The longest time between two steps.</summary>
    public required TimeSpan LongestPause { get; init; }

    /// <summary>What the processes took; null: this system does not tell.</summary>
    public required IReadOnlyList<Flatness>? Processes { get; init; }

    /// <summary>Processes that outlived the run; null: this system does not tell.</summary>
    public required int? Left { get; init; }

    /// <summary>Same weights, every sample counted once, no process left, and none that grows.</summary>
    public bool IsGood => IsEqual && Left is null or 0 && Processes?.Any(role => role.IsFlat == false) != true;

    private bool IsEqual => Calm.WeightsSha256 == Disturbed.WeightsSha256
        && Disturbed.SamplesApplied == Disturbed.SamplesExpected;

    /// <summary>The lines for a person.</summary>
    public IEnumerable<string> Lines()
    {
        string kinds = string.Join(", ", Injected.Select(kind => $"{Words(kind.Key)} {kind.Value}"));
        yield return $"faults injected  {Injected.Values.Sum()} of {Options.Faults}: {kinds}";
        yield return $"samples applied  {Wording.Count(Disturbed.SamplesApplied)} of "
            + $"{Wording.Count(Disturbed.SamplesExpected)}, {Wording.Count(Disturbed.DuplicatesDropped)} results "
            + "dropped as duplicates";
        yield return Line("undisturbed", Calm, CalmTook, Options.Undisturbed);
        yield return Line("disturbed", Disturbed, DisturbedTook, Options.Disturbed);
        yield return $"longest pause    {Wording.Seconds(LongestPause.TotalSeconds)}; "
            + $"time lost {Wording.Seconds((DisturbedTook - CalmTook).TotalSeconds)}";
        foreach (string line in ProcessLines()) yield return line;
        yield return IsEqual ? "the weights are equal, bit by bit" : "the weights DIFFER";
    }

    private string Line(string title, RunResult result, TimeSpan took, string name) =>
        $"{title,-15}  {result.WeightsSha256}  {Wording.Seconds(took.TotalSeconds)}  "
        + Path.Combine(Options.Runs, name);

    private IEnumerable<string> ProcessLines()
    {
        if (Processes is null)
        {
            yield return "processes        this system has no /proc, which tells their memory, files and threads";
            yield break;
        }

        yield return "processes        the longest-lived of each kind, early -> late in its life (most of any): "
            + Options.ProcessFile;
        foreach (Flatness role in Processes) yield return Line(role);
        yield return $"processes left   {Left}";
    }

    private static string Line(Flatness role)
    {
        ProcessFigures early = role.Early, late = role.Late, most = role.Most;
        string memory = $"{Mebibytes(early)} -> {Mebibytes(late)} ({Mebibytes(most)}) MiB";
        string files = $"{early.OpenFiles} -> {late.OpenFiles} ({most.OpenFiles}) files";
        string threads = $"{early.Threads} -> {late.Threads} ({most.Threads}) threads";
        string verdict = role.IsFlat switch
        {
            true => "files and threads flat",
            false => "GROWS",
            null => "too short-lived to judge",
        };
        return $"  {Words(role.Role),-13}  {Wording.Seconds(role.Lived.TotalSeconds)}: {memory}, {files}, {threads}: "
            + verdict;
    }

    private static string Mebibytes(ProcessFigures figures) =>
        (figures.ResidentBytes / (double)(1 << 20)).ToString("F0", CultureInfo.InvariantCulture);

    private static string Words(ProcessRole role) => role switch
    {
        ProcessRole.Coordinator => "coordinator",
        ProcessRole.LocalWorker => "local worker",
        ProcessRole.JoinedWorker => "joined worker",
        _ => throw new InvalidOperationException($"Unknown role {role}."),
    };

    private static string Words(FaultKind kind) => kind switch
    {
        FaultKind.KillWorker => "workers killed",
        FaultKind.StopWorker => "workers stopped",
        FaultKind.AddWorker => "workers added",
        FaultKind.RemoveWorker => "workers asked to leave",
        FaultKind.BreakConnections => "connections cut",
        FaultKind.KillCoordinator => "coordinator killed",
        FaultKind.CorruptCheckpoint => "coordinator killed and checkpoint corrupted",
        _ => throw new InvalidOperationException($"Unknown fault {kind}."),
    };
}
