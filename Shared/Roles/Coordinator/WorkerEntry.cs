using Distributed.Protocol;

namespace Distributed.Roles.Coordinator;

/// <summary>A worker as the coordinator role knows it.</summary>
internal sealed class WorkerEntry(WorkerId id, string name, int threads)
{
    // How much slower than before one measurement can say that it is: a stopped process says nothing of its speed.
    private const double MostSlowdown = 8;

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

    /// <summary>Since when it has work, or had it last.</summary>
    public TimeSpan ComputeSince { get; set; }

    /// <summary>How long it took for what it was dealt last.</summary>
    public TimeSpan Took { get; set; }

    /// <summary>Whether nodes of the current step are dealt to it and not accepted yet.</summary>
    public bool Owes { get; set; }

    /// <summary>Whether it may push one of them.</summary>
    public bool MayPush { get; set; }

    /// <summary>Micro-batches of the current step, or evaluation, that were dealt to others too for its being late.
    /// </summary>
    public int DealtTwice { get; set; }

    /// <summary>When it should have had them done.</summary>
    public TimeSpan DueAt { get; set; }

    /// <summary>Compute time of its accepted nodes in the current step, summed over threads.</summary>
    public long StepMicroseconds { get; set; }

    /// <summary>Parts of the current evaluation that it has.</summary>
    public List<EvaluationPart> Parts { get; } = [];

    public bool IsActive => Standing == WorkerStanding.Active;

    /// <summary>Whether it could begin something at once.</summary>
    public bool IsIdle => IsActive && !Owes && Parts.Count == 0;

    /// <summary>
    /// Takes a measurement in. A slower one counts for less than a faster one: the first steps compile code, and one
    /// stall says little, whereas a worker that was fast once can be so again. That of an overdue worker counts for
    /// more, or it would be dealt too much again and again.
    /// </summary>
    public void Measure(int microBatches, long microseconds)
    {
        if (microBatches <= 0 || microseconds <= 0) return;
        double seconds = microseconds * 1e-6 / microBatches;
        double slower = Standing == WorkerStanding.Overdue ? 0.5 : 0.1;
        double weight = MicroBatchSeconds == 0 ? 1 : seconds < MicroBatchSeconds ? 0.25 : slower;
        if (MicroBatchSeconds > 0) seconds = Math.Min(seconds, MostSlowdown * MicroBatchSeconds);
        MicroBatchSeconds += weight * (seconds - MicroBatchSeconds);
    }
}

/// <summary>A contiguous part of an evaluation: whole micro-batches, but for the last.</summary>
internal readonly record struct EvaluationPart(int First, int Count);
