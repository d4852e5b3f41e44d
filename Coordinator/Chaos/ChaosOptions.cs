using System.Globalization;

namespace Distributed.Coordinator;

/// <summary>What a chaos run is made of.</summary>
/// <param name="Settings">Options of <c>train</c> for both runs: model, data, seed, folder of runs.</param>
/// <param name="Runs">The folder of runs.</param>
/// <param name="Name">Names of both runs begin with it.</param>
/// <param name="Epochs">Epochs of both.</param>
/// <param name="Minutes">
/// How long to train, about: the epochs are chosen by it, and faults come by time; null: they come by step.
/// </param>
/// <param name="Workers">Local workers.</param>
/// <param name="Faults">How many are injected.</param>
/// <param name="Seed">What they are drawn from.</param>
internal sealed record ChaosOptions(
    IReadOnlyList<string> Settings, string Runs, string Name, int Epochs, double? Minutes, int Workers, int Faults,
    ulong Seed)
{
    /// <summary>The name of the run that is left alone.</summary>
    public string Undisturbed => $"{Name}-undisturbed";

    /// <summary>The name of the run that is disturbed.</summary>
    public string Disturbed => $"{Name}-disturbed";

    /// <summary>Where it is written what the processes of the disturbed run take, second by second.</summary>
    public string ProcessFile => Path.Combine(Runs, $"{Name}-processes.csv");

    /// <summary>The <c>train</c> command of a run of this name.</summary>
    public IReadOnlyList<string> Train(string name) =>
    [
        "train", .. Settings, "--epochs", Epochs.ToString(CultureInfo.InvariantCulture), "--name", name,
        "--workers", Workers.ToString(CultureInfo.InvariantCulture), "--threads", "1",
    ];
}
