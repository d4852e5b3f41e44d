using Distributed.Roles.Coordinator;

namespace Distributed.Coordinator;

/// <summary>
/// Shows a run to a person. Every call may come from another thread and returns at once. Disposing leaves the terminal
/// as it was, also when the run did not end well.
/// </summary>
internal interface IRunView : IDisposable
{
    /// <summary>The run is about to start.</summary>
    void Begin(RunHeader header);

    /// <summary>Something happened.</summary>
    void Show(RunEvent happened);

    /// <summary>How many micro-batches each worker has contributed by now; told as often as is convenient.</summary>
    void ShowShares(IReadOnlyList<WorkerShare> shares);

    /// <summary>The run has ended; everything is printed when this returns.</summary>
    void End(RunSummary summary);
}

/// <summary>What one worker has contributed.</summary>
/// <param name="Name">The worker's name, as in <see cref="WorkerChanged"/>.</param>
/// <param name="MicroBatches">Its micro-batches of steps that were applied.</param>
internal readonly record struct WorkerShare(string Name, long MicroBatches);
