using Distributed.Protocol;

namespace Distributed.Roles.Coordinator;

/// <summary>A worker as the coordinator role knows it.</summary>
internal sealed class WorkerEntry(WorkerId id, string name, int threads)
{
    public WorkerId Id { get; } = id;

    public string Name { get; } = name;

    public int Threads { get; } = Math.Max(1, threads);

    public WorkerStanding Standing { get; set; } = WorkerStanding.Active;

    /// <summary>Since when it stands as silent or overdue, or was told to stop.</summary>
    public TimeSpan StandingSince { get; set; }

    /// <summary>Whether it asked to leave, however it stands now.</summary>
    public bool IsLeaving { get; set; }

    /// <summary>Whether it was told to stop because it asked to leave and has nothing to do.</summary>
    public bool IsReleased { get; set; }

    public TimeSpan LastHeard { get; set; }

    /// <summary>Smoothed time of one micro-batch on one thread, in seconds; 0 until measured.</summary>
    public double MicroBatchSeconds { get; set; }

    /// <summary>By when what it was dealt must be done; null when it has nothing.</summary>
    public TimeSpan? ComputeDeadline { get; set; }

    /// <summary>Since when it has work.</summary>
    public TimeSpan ComputeSince { get; set; }

    /// <summary>Compute time of its accepted nodes in the current step, summed over threads.</summary>
    public long StepMicroseconds { get; set; }

    /// <summary>Parts of the current evaluation that it has.</summary>
    public List<EvaluationPart> Parts { get; } = [];

    public bool IsActive => Standing == WorkerStanding.Active;

    /// <summary>
    /// Takes a measurement in. A slower one counts for less than a faster one: the first steps compile code, and one
    /// stall says little, whereas a worker that was fast once can be so again.
    /// </summary>
    public void Measure(int microBatches, long microseconds)
    {
        if (microBatches <= 0 || microseconds <= 0) return;
        double seconds = microseconds * 1e-6 / microBatches;
        double weight = MicroBatchSeconds == 0 ? 1 : seconds < MicroBatchSeconds ? 0.25 : 0.1;
        MicroBatchSeconds += weight * (seconds - MicroBatchSeconds);
    }
}

/// <summary>A contiguous part of an evaluation: whole micro-batches, but for the last.</summary>
internal readonly record struct EvaluationPart(int First, int Count);
