using Distributed.Roles.Coordinator;

namespace Distributed.Coordinator;

/// <summary>Turns what another view shows into metrics and spans, for whoever listens to them.</summary>
internal sealed class TelemetryView : IRunView
{
    private readonly IRunView _inner;
    private readonly Lock _lock = new();
    private readonly RunInstruments _instruments;
    private readonly RunSpans _spans = new();
    private RunState? _state;

    /// <summary>Creates the instruments.</summary>
    public TelemetryView(IRunView inner)
    {
        _inner = inner;
        _instruments = new RunInstruments(Read);
    }

    /// <inheritdoc/>
    public void Begin(RunHeader header)
    {
        lock (_lock)
        {
            _state = new RunState(header);
            _instruments.Begin(header);
            _spans.Begin(header);
        }

        _inner.Begin(header);
    }

    /// <inheritdoc/>
    public void Show(RunEvent happened)
    {
        lock (_lock)
        {
            if (_state is { } state)
            {
                state.Add(happened);
                _instruments.Count(happened);
                _spans.Add(happened);
            }
        }

        _inner.Show(happened);
    }

    /// <inheritdoc/>
    public void ShowShares(IReadOnlyList<WorkerShare> shares) => _inner.ShowShares(shares);

    /// <inheritdoc/>
    public void End(RunSummary summary)
    {
        lock (_lock) _spans.End(summary);
        _inner.End(summary);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_lock) _spans.Dispose();
        _inner.Dispose();
    }

    private double? Read(Func<RunState, double> question)
    {
        lock (_lock) return _state is { } state ? question(state) : null;
    }
}
