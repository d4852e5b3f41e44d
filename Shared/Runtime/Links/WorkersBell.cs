using Distributed.Runtime.Native;

namespace Distributed.Runtime;

/// <summary>
/// The bell by which a coordinator wakes all workers of its host at once: a counter that it raises after it changed
/// something, in memory that they all map. One call of the system wakes them together: were they woken one after the
/// other, the first could take the core on which the second was still to be woken.
/// Sleeping on it never misses a change: a sleeper is counted before the system compares the counter, and the
/// coordinator raises the counter before it looks whether any are counted.
/// </summary>
internal sealed class WorkersBell
{
    private const int MemoryBytes = 4096;
    private const int RaisedAt = 0;
    private const int SleepersAt = 64;

    private readonly SharedMemory _memory;

    private WorkersBell(SharedMemory memory) => _memory = memory;

    /// <summary>By which workers open it.</summary>
    public int Descriptor => _memory.Descriptor;

    /// <summary>How often it was raised; to be read before looking for changes.</summary>
    public int Raised => Volatile.Read(ref Counter);

    private ref int Counter => ref _memory.Word(RaisedAt);

    // One that died in its sleep stays counted, which costs a call of the system now and then.
    private ref int Sleepers => ref _memory.Word(SleepersAt);

    /// <summary>The coordinator's; null where the system has no such memory.</summary>
    public static WorkersBell? Create() =>
        SharedMemory.IsSupported && SharedMemory.Create(MemoryBytes, othersMayWrite: true) is { } memory
            ? new WorkersBell(memory)
            : null;

    /// <summary>A worker's view of the coordinator's; null when it isn't there.</summary>
    public static WorkersBell? Open(int processId, int descriptor) =>
        SharedMemory.Open(processId, descriptor, MemoryBytes, canWrite: true) is { } memory
            ? new WorkersBell(memory)
            : null;

    /// <summary>Unmaps it.</summary>
    public void Release() => _memory.Release();

    /// <summary>Says that something has changed. Full fence.</summary>
    public void Raise() => Interlocked.Increment(ref Counter);

    /// <summary>Wakes whoever sleeps.</summary>
    public void Wake()
    {
        if (Volatile.Read(ref Sleepers) != 0)
            Futex.Wake(ref Counter);
    }

    /// <summary>Sleeps unless it was raised since <paramref name="seen"/> was read, until woken or for so long; may
    /// return early.</summary>
    public void Sleep(int seen, int milliseconds)
    {
        Interlocked.Increment(ref Sleepers);
        Futex.Wait(ref Counter, seen, milliseconds);
        Interlocked.Decrement(ref Sleepers);
    }
}
