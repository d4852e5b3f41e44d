using Distributed.Execution;
using Distributed.Protocol;
using Distributed.Runtime;
using Distributed.Runtime.Native;

namespace Distributed.Worker;

/// <summary>
/// The worker's thread that decodes and augments beside the compute threads what they need next. There is none where
/// loading is no more than a copy.
/// </summary>
internal sealed class LoaderThread : IDisposable
{
    private readonly WorkerExecution _execution;
    private readonly TraceLane? _trace;
    private readonly Thread _thread;

    private LoaderThread(WorkerExecution execution, TraceLane? trace)
    {
        _trace = trace;
        _execution = execution;
        _thread = new Thread(Run) { IsBackground = true, Name = "loader" };
        _thread.Start();
    }

    /// <summary>Starts the thread where it is of use.</summary>
    public static LoaderThread? Start(WorkerExecution execution, TraceLane? trace) =>
        execution.LoadsAhead ? new LoaderThread(execution, trace) : null;

    public void Dispose() => _execution.StopLoading();

    /// <summary>Waits until it has ended; false: it has not.</summary>
    public bool Join(TimeSpan deadline) => _thread.Join(deadline);

    private void Run()
    {
        ThreadPriorities.LowerForLoading();
        while (_execution.LoadNext() is { } loaded)
            _trace?.Add(TraceActivity.Load, loaded.Began, first: loaded.First, count: loaded.Count);
    }
}
