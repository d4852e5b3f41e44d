using System.Diagnostics;

namespace Distributed.Simulation;

/// <summary>One seed, run to its end.</summary>
internal static class SeedRun
{
    /// <summary>What is wrong, in one line; null when nothing is.</summary>
    public static string? Failure(int seed) => Failure(seed, null);

    /// <summary>What is wrong, in one line; null when nothing is.</summary>
    /// <param name="seed">The seed.</param>
    /// <param name="witnessed">Adds up what happened in it.</param>
    public static string? Failure(int seed, IDictionary<string, int>? witnessed)
    {
        try
        {
            using ClusterSimulation simulation = new(seed);
            simulation.Run();
            if (witnessed is null) return null;
            lock (witnessed)
            {
                foreach ((string what, int times) in simulation.Witnessed)
                    witnessed[what] = (witnessed.TryGetValue(what, out int before) ? before : 0) + times;
            }

            return null;
        }
        catch (Exception error) when (error is not OutOfMemoryException)
        {
            // A role that throws is found out as one that does wrong is.
            return error is SimulationFailure ? error.Message : $"{error.GetType().Name}: {error.Message}";
        }
    }

    /// <summary>How to see a failure again.</summary>
    public static string Replay(int seed, string failure) =>
        $"seed {seed} at commit {Commit()}: {failure}{Environment.NewLine}  replay: dotnet run -c Release --project "
        + $"Tests/Simulation -- --seed {seed}";

    private static string Commit()
    {
        try
        {
            using Process? git = Process.Start(
                new ProcessStartInfo("git", "describe --always --dirty --abbrev=12")
                {
                    RedirectStandardOutput = true,
                    RedirectStandardError = true,
                    WorkingDirectory = AppContext.BaseDirectory,
                });
            return git?.StandardOutput.ReadToEnd().Trim() is { Length: > 0 } commit ? commit : "unknown";
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return "unknown";
        }
    }
}
