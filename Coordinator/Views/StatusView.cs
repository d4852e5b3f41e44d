using Distributed.Roles.Coordinator;

namespace Distributed.Coordinator;

/// <summary>
/// Keeps <c>status.json</c> in the run's folder beside what another view shows, for <c>status</c> in another terminal.
/// It is written once a second and goes when the run has ended.
/// </summary>
internal sealed class StatusView(IRunView inner, TimeProvider time) : IRunView
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private RunState? _state;
    private ITimer? _timer;

    /// <inheritdoc/>
    public void Begin(RunHeader header)
    {
        lock (_lock)
        {
            _state = new RunState(header);
            _timer ??= time.CreateTimer(_ => Write(), null, TimeSpan.Zero, Timeout.InfiniteTimeSpan);
        }

        inner.Begin(header);
    }

    /// <inheritdoc/>
    public void Show(RunEvent happened)
    {
        lock (_lock) _state?.Add(happened);
        inner.Show(happened);
    }

    /// <inheritdoc/>
    public void ShowShares(IReadOnlyList<WorkerShare> shares)
    {
        lock (_lock) _state?.Add(shares);
        inner.ShowShares(shares);
    }

    /// <inheritdoc/>
    public void End(RunSummary summary)
    {
        Stop();
        inner.End(summary);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Stop();
        inner.Dispose();
    }

    private void Stop()
    {
        lock (_lock)
        {
            _timer?.Dispose();
            _timer = null;
            if (_state is { } state) RunStatus.Delete(state.Header.Folder);
            _state = null;
        }
    }

    private void Write()
    {
        lock (_lock)
        {
            if (_state is not { } state) return;
            RunStatus.Of(state, time.GetUtcNow()).Write(state.Header.Folder);
            _timer?.Change(Interval, Timeout.InfiniteTimeSpan);
        }
    }
}
