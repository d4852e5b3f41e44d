namespace Distributed.Fuzz;

/// <summary>Tells whether a reader did well by an input: accepted it, or refused it in one clear sentence, and
/// allocated no more than it may.</summary>
internal static class Judge
{
    /// <summary>The longest sentence; a terminal shows some ten lines of it.</summary>
    public const int LongestSentence = 1_000;

    /// <summary>Runs the target on an input.</summary>
    /// <param name="target">The reader.</param>
    /// <param name="input">The bytes.</param>
    /// <param name="outcome">How it was taken.</param>
    /// <param name="isAlone">Whether nothing else runs in the process, so that what other threads allocate counts where
    /// the target uses them, and by how much the process grows.</param>
    /// <returns>What was wrong; null: nothing.</returns>
    public static string? Complaint(FuzzTarget target, byte[] input, out Outcome outcome, bool isAlone = false)
    {
        outcome = Outcome.Accepted;
        long before = Allocated(target), memory = isAlone && target.MostGrowth is not null ? PeakMemory.Start() : 0;
        try
        {
            outcome = target.Read(input);
        }
        catch (Exception error)
        {
            return $"{error.GetType()}: {error.Message} {error.StackTrace}";
        }

        long allocated = Allocated(target) - before;
        if ((!target.UsesThreads || isAlone) && allocated > target.MostAllocated(input.Length))
        {
            return $"{allocated} bytes were allocated where {target.MostAllocated(input.Length)} are allowed for " +
                $"{input.Length} bytes of input ({string.Join(" ", outcome.Refusals)})";
        }

        if (isAlone && target.MostGrowth is { } most && PeakMemory.Read() - memory > most)
            return $"the process grew by {PeakMemory.Read() - memory} bytes where {most} are allowed";
        return outcome.Refusals.Select(sentence => Complaint(sentence, target.Place))
            .FirstOrDefault(fault => fault is not null);
    }

    private static long Allocated(FuzzTarget target) =>
        target.UsesThreads ? GC.GetTotalAllocatedBytes(precise: true) : GC.GetAllocatedBytesForCurrentThread();

    private static string? Complaint(string sentence, string place)
    {
        string? fault = sentence.Length <= place.Length ? "is empty"
            : sentence.Length > LongestSentence ? $"has {sentence.Length} characters"
            : sentence.Any(char.IsControl) ? "has a line break or another control character"
            : !sentence.EndsWith('.') ? "doesn't end with a full stop"
            : sentence.Contains("Exception", StringComparison.Ordinal) ? "names an exception"
            : !sentence.Contains(place, StringComparison.Ordinal)
                && !sentence.StartsWith("--", StringComparison.Ordinal) ? $"doesn't name {place}"
            : null;
        return fault is null ? null : $"the sentence {fault}: {sentence}";
    }
}
