namespace Distributed.Runtime.Akka;

/// <summary>Whether it is a node's turn to coordinate, and whom its singleton lets in.</summary>
internal sealed class Leadership
{
    private readonly TaskCompletionSource _taken = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenSource _lost = new();
    private volatile Door? _door;

    /// <summary>Completed when it is this node's turn; faulted when the node was lost before.</summary>
    public Task Taken => _taken.Task;

    /// <summary>Cancelled when it no longer is, or never will be.</summary>
    public CancellationToken Lost => _lost.Token;

    /// <summary>Whom workers are handed to; null: nobody is let in yet.</summary>
    public Door? Door => _door;

    /// <summary>It is this node's turn.</summary>
    public void Take() => _taken.TrySetResult();

    /// <summary>Lets workers in.</summary>
    public void Open(string token, IListenerHandler handler) => _door = new Door(new RunToken(token), handler);

    /// <summary>It is not this node's turn any more, and won't be again.</summary>
    public void Lose(string reason)
    {
        _door = null;
        _taken.TrySetException(new LinkException($"This node left its cluster: {reason}."));

        // Whoever is told may take long, or dispose the node: that is no matter of the actor that noticed.
        _ = Task.Run(_lost.Cancel);
    }
}

/// <summary>Who lets workers in.</summary>
/// <param name="Token">The run's secret.</param>
/// <param name="Handler">Takes the links of workers that have it.</param>
internal sealed record Door(RunToken Token, IListenerHandler Handler);
