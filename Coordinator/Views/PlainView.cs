using System.Collections.Concurrent;
using Distributed.Roles.Coordinator;

namespace Distributed.Coordinator;

/// <summary>
/// Plain lines, for output that is not a terminal: one an epoch, one when something changes, and one at least every ten
/// seconds. A thread of its own writes them, so a slow reader holds nobody up.
/// </summary>
internal sealed class PlainView : IRunView
{
    private static readonly TimeSpan LongestSilence = TimeSpan.FromSeconds(10);

    private readonly TextWriter _output;
    private readonly TextWriter _error;
    private readonly TimeProvider _time;
    private readonly BlockingCollection<(TextWriter Writer, string Line)> _lines = [];
    private readonly Lock _lock = new();
    private readonly Thread _writer;
    private RunState? _state;
    private ITimer? _timer;
    private long _lastLine;
    private bool _disposed;

    /// <summary>Starts the writing thread.</summary>
    public PlainView(TextWriter output, TextWriter error, TimeProvider time)
    {
        _output = output;
        _error = error;
        _time = time;
        _lastLine = time.GetTimestamp();
        _writer = new Thread(Write) { IsBackground = true, Name = "view" };
        _writer.Start();
    }

    /// <inheritdoc/>
    public void Begin(RunHeader header)
    {
        lock (_lock)
        {
            _state = new RunState(header);
            foreach (string line in RunText.Header(header)) Say(line);
            _timer ??= _time.CreateTimer(_ => SayProgress(), null, LongestSilence, Timeout.InfiniteTimeSpan);
        }
    }

    /// <inheritdoc/>
    public void Show(RunEvent happened)
    {
        lock (_lock)
        {
            _state?.Add(happened);
            string? line = happened switch
            {
                EpochEnded epoch when _state is not null => RunText.Epoch(epoch, _state.Header),
                WorkerChanged worker => RunText.Worker(worker),
                StragglerHelped late => RunText.Straggler(late),
                Notice notice => notice.Text,
                _ => null,
            };
            if (line is not null) Say(line);
        }
    }

    /// <inheritdoc/>
    public void ShowShares(IReadOnlyList<WorkerShare> shares)
    {
        lock (_lock) _state?.Add(shares);
    }

    /// <inheritdoc/>
    public void End(RunSummary summary)
    {
        lock (_lock)
        {
            foreach (string line in RunText.Summary(summary)) Say(line);
            if (summary.Ending is RunEnding.UserError or RunEnding.Failed) Say($"error: {summary.Reason}", _error);
        }

        Dispose();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_lock)
        {
            if (_disposed) return;
            _disposed = true;
            _timer?.Dispose();
            _lines.CompleteAdding();
        }

        _writer.Join();
    }

    private void SayProgress()
    {
        lock (_lock)
        {
            if (_disposed) return;
            TimeSpan left = LongestSilence - _time.GetElapsedTime(_lastLine);
            if (left <= TimeSpan.Zero)
            {
                Say(RunText.Progress(_state!));
                left = LongestSilence;
            }

            _timer!.Change(left, Timeout.InfiniteTimeSpan);
        }
    }

    private void Say(string line, TextWriter? writer = null)
    {
        if (_disposed) return;
        _lastLine = _time.GetTimestamp();
        _lines.Add((writer ?? _output, line));
    }

    private void Write()
    {
        foreach ((TextWriter writer, string line) in _lines.GetConsumingEnumerable())
        {
            try
            {
                writer.WriteLine(line);
                if (_lines.Count == 0) writer.Flush();
            }
            catch (IOException)
            {
                // Nobody reads any more; the run goes on.
            }
        }
    }
}
