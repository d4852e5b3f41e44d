using Xunit;

namespace Distributed.Cluster;

/// <summary>Waiting on a condition of other processes.</summary>
internal static class Wait
{
    /// <summary>Far beyond what anything here takes on a busy machine.</summary>
    public static readonly TimeSpan Deadline = TimeSpan.FromSeconds(90);

    /// <summary>Returns when the condition holds; fails when the program ends before, or at the deadline.</summary>
    public static void Until(Func<bool> condition, ProgramRun program, string what)
    {
        bool met = SpinWait.SpinUntil(() => condition() || program.HasExited, Deadline);
        if (!met) Assert.Fail($"{what}: not within {Deadline.TotalSeconds:F0} s. {program.Transcript}");

        // What it printed last may not have been read yet.
        if (program.HasExited) program.ReadToEnd();
        if (!condition()) Assert.Fail($"{what}: the program ended before. {program.Transcript}");
    }
}
