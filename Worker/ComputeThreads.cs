using System.Diagnostics;
using Distributed.Execution;
using Distributed.Learning;
using Distributed.Protocol;
using Distributed.Roles;
using Distributed.Roles.Worker;
using Distributed.Runtime;
using Distributed.Runtime.Native;

namespace Distributed.Worker;

/// <summary>
/// The worker's compute threads. Each waits for one job, runs it from start to end, and posts the outcome to the role's
/// mailbox; a job computes a node of micro-batches, or takes part in preparing new parameters.
/// </summary>
internal sealed class ComputeThreads : IDisposable
{
    private readonly WorkerExecution _execution;
    private readonly IActor<WorkerInput> _mailbox;
    private readonly Action<Exception> _fault;
    private readonly ComputeThread[] _threads;
    private WorkerInput _prepared;
    private int _nextPart;
    private int _preparing;
    private volatile IWorkerLink? _link;

    public ComputeThreads(
        WorkerExecution execution, IActor<WorkerInput> mailbox, int threads, WorkerTrace? trace,
        Action<Exception> fault)
    {
        _execution = execution;
        _mailbox = mailbox;
        _fault = fault;
        _threads = new ComputeThread[threads];
        for (int i = 0; i < threads; i++) _threads[i] = new ComputeThread(this, i, trace?.Compute(i));
    }

    /// <summary>Lets threads that have run out of work watch the link for more.</summary>
    public void Watch(IWorkerLink link) => _link = link;

    /// <summary>Gives a thread that is free its next job.</summary>
    public void Start(in WorkerEffect job) => _threads[job.Thread].Start(job);

    /// <summary>
    /// Prepares the parameters in use on all threads, which are free; the last one to end reports it.
    /// </summary>
    public void Prepare(ParameterVersion version)
    {
        _prepared = new WorkerInput(WorkerInputKind.Prepared, Version: version);
        _nextPart = -1;
        _preparing = _threads.Length;
        for (int i = 0; i < _threads.Length; i++)
            _threads[i].Start(new WorkerEffect(WorkerEffectKind.UseParameters, i));
    }

    /// <summary>Asks the threads to end, after the jobs that they have.</summary>
    public void Dispose()
    {
        foreach (ComputeThread thread in _threads) thread.Dispose();
    }

    /// <summary>Waits until they have ended, so long for each; false: one has not.</summary>
    public bool Join(TimeSpan deadline) => Array.TrueForAll(_threads, thread => thread.Join(deadline));

    private sealed class ComputeThread : IDisposable
    {
        /// <summary>How long a thread looks for the next step before it sleeps. Going to sleep and being woken takes
        /// about as long as a step of a small model is coordinated in.</summary>
        private const long WatchMicroseconds = 500;

        private readonly ComputeThreads _owner;
        private readonly TraceLane? _trace;
        private readonly SemaphoreSlim _wake = new(0);
        private readonly Thread _thread;
        private WorkerEffect _job;
        private IWorkerLink? _watched;
        private long _prepareMicroseconds;
        private volatile bool _ended;

        public ComputeThread(ComputeThreads owner, int index, TraceLane? trace)
        {
            _owner = owner;
            _trace = trace;
            _thread = new Thread(Run) { IsBackground = true, Name = $"compute {index}" };
            _thread.Start();
        }

        public void Start(in WorkerEffect job)
        {
            _job = job;
            _wake.Release();
        }

        public void Dispose()
        {
            _ended = true;
            _wake.Release();
        }

        public bool Join(TimeSpan deadline) => _thread.Join(deadline);

        private void Run()
        {
            ThreadPriorities.LowerForCompute();
            try
            {
                while (true)
                {
                    WatchForWork();
                    _wake.Wait();
                    if (_ended) return;
                    Do(_job);
                }
            }
            catch (Exception e)
            {
                _owner._fault(e);
            }
        }

        // Begun before a result is posted: whoever it wakes may take this core at once, and would find nobody watching.
        private void BeginWatch() => _watched ??= _owner._link is { } link && link.BeginWatch() ? link : null;

        // Parameters come before the word what to compute with them. They are prepared without ceasing to watch: that
        // word can't be followed earlier, and a thread woken to hear it would only disturb this one.
        private void WatchForWork()
        {
            BeginWatch();
            if (_watched is not { } link) return;
            long start = Stopwatch.GetTimestamp();
            while (!_ended && Microseconds(start) < WatchMicroseconds)
            {
                if (_wake.CurrentCount == 0)
                {
                    link.Receive();
                    Thread.Yield();
                }
                else if (_job.Kind == WorkerEffectKind.UseParameters)
                {
                    _wake.Wait();
                    Prepare();
                }
                else
                {
                    break;
                }
            }

            link.EndWatch();
            _watched = null;
        }

        private void Do(in WorkerEffect job)
        {
            switch (job.Kind)
            {
                case WorkerEffectKind.UseParameters: Prepare(); break;
                case WorkerEffectKind.Compute: Compute(job); break;
                case WorkerEffectKind.Evaluate: Evaluate(job); break;
                default: throw new InvalidOperationException($"{job.Kind} is no job for a compute thread.");
            }
        }

        private void Prepare()
        {
            long start = Stopwatch.GetTimestamp();
            int part;
            while ((part = Interlocked.Increment(ref _owner._nextPart)) < _owner._execution.PrepareParts)
                _owner._execution.Prepare(part);
            _prepareMicroseconds += Microseconds(start);
            _trace?.Add(TraceActivity.Prepare, start);
            if (Interlocked.Decrement(ref _owner._preparing) == 0) _owner._mailbox.Post(_owner._prepared);
        }

        private void Compute(WorkerEffect job)
        {
            long start = Stopwatch.GetTimestamp();
            MicroBatchResult result = _owner._execution.Compute(
                job.Thread, job.Epoch, job.First, job.Count, job.Buffer);
            NodeStatistics statistics = new(
                result.Samples, result.LossSum, result.Correct, Microseconds(start) + _prepareMicroseconds);
            _prepareMicroseconds = 0;
            _trace?.Add(TraceActivity.Compute, start, job.Step, job.Node.Start, job.Node.Count);
            BeginWatch();
            _owner._mailbox.Post(new WorkerInput(
                WorkerInputKind.Computed, Thread: job.Thread, Step: job.Step, Buffer: job.Buffer, Node: job.Node,
                Statistics: statistics));
        }

        private void Evaluate(WorkerEffect job)
        {
            long start = Stopwatch.GetTimestamp();
            _owner._execution.Evaluate(job.Thread, job.Split, job.First, job.Count, job.Buffer.Value, job.MicroBatch);
            _trace?.Add(TraceActivity.Evaluate, start, first: job.First, count: job.Count);
            BeginWatch();
            _owner._mailbox.Post(new WorkerInput(
                WorkerInputKind.Evaluated, Thread: job.Thread, MicroBatch: job.MicroBatch, Buffer: job.Buffer));
        }

        private static long Microseconds(long start) =>
            (Stopwatch.GetTimestamp() - start) * 1_000_000 / Stopwatch.Frequency;
    }
}
