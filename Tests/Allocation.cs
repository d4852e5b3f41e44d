namespace Distributed.Tests;

/// <summary>Measures what work allocates on the managed heap of its thread.</summary>
internal static class Allocation
{
    private const int Rounds = 5;

    /// <summary>
    /// The least that any of five rounds allocated, in bytes: the runtime itself may allocate on a thread now and then,
    /// for instance when it compiles a method anew, but never in every round.
    /// </summary>
    public static long Least(Action round)
    {
        long least = long.MaxValue;
        for (int i = 0; i < Rounds && least > 0; i++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            round();
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        return least;
    }
}
