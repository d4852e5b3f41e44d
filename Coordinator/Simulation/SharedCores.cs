namespace Distributed.Coordinator;

/// <summary>
/// A host's cores, shared evenly by the jobs that run: with more jobs than cores each gets its part of them, and cores
/// that compute at the same time slow each other down as was measured.
/// </summary>
/// <param name="time">The clock.</param>
/// <param name="cores">How many there are.</param>
/// <param name="slowdown">How much longer a job takes while so many cores compute; from 1 core on.</param>
internal sealed class SharedCores(VirtualTime time, int cores, IReadOnlyList<double> slowdown)
{
    private readonly List<Job> _jobs = [];
    private TimeSpan _since;
    private int _changes;

    /// <summary>Starts a job that alone would take so long; <paramref name="done"/> gets the time that it took.
    /// </summary>
    public void Run(double seconds, Action<TimeSpan> done)
    {
        Advance();
        _jobs.Add(new Job(time.Now, done) { Left = seconds });
        ScheduleNext();
    }

    private double Rate
    {
        get
        {
            int busy = Math.Min(_jobs.Count, cores);
            return (double)busy / _jobs.Count / slowdown[Math.Min(busy, slowdown.Count) - 1];
        }
    }

    private void Advance()
    {
        double elapsed = (time.Now - _since).TotalSeconds;
        _since = time.Now;
        if (_jobs.Count == 0 || elapsed == 0) return;
        double work = elapsed * Rate;
        foreach (Job job in _jobs) job.Left -= work;
    }

    private void ScheduleNext()
    {
        int change = ++_changes;
        if (_jobs.Count == 0) return;
        Job next = _jobs.MinBy(job => job.Left)!;
        time.At(time.Now + VirtualTime.Span(Math.Max(0, next.Left) / Rate), () =>
        {
            if (change != _changes) return;
            Advance();
            _jobs.Remove(next);
            ScheduleNext();
            next.Done(time.Now - next.Began);
        });
    }

    private sealed class Job(TimeSpan began, Action<TimeSpan> done)
    {
        /// <summary>Seconds that it would still take alone.</summary>
        public double Left { get; set; }

        public TimeSpan Began => began;

        public Action<TimeSpan> Done => done;
    }
}
