using System.Collections.Concurrent;
using Distributed.Roles.Coordinator;
using Spectre.Console;

namespace Distributed.Coordinator;

/// <summary>
/// A live display for terminals. Events only change the state; a thread of its own draws it five times a second. What
/// is worth keeping (header, epochs, notices, the summary) is written above the display and stays.
/// </summary>
internal sealed class LiveView : IRunView
{
    private static readonly TimeSpan Frame = TimeSpan.FromMilliseconds(200);

    /// <summary>
    /// Columns left free at the right: a terminal echoes each Ctrl-C as ^C there, and one that wrapped would move the
    /// cursor off the display.
    /// </summary>
    private const int EchoRoom = 6;

    private readonly IAnsiConsole _console;
    private readonly TextWriter _output;
    private readonly TextWriter _error;
    private readonly ConcurrentQueue<string> _lines = new();
    private readonly Lock _lock = new();
    private readonly AutoResetEvent _wake = new(false);
    private readonly Thread _painter;
    private RunState? _state;
    private volatile bool _ended;

    /// <summary>Starts the drawing thread.</summary>
    /// <param name="console">The terminal.</param>
    /// <param name="output">The same terminal, for text that stays.</param>
    /// <param name="error">Where errors go.</param>
    public LiveView(IAnsiConsole console, TextWriter output, TextWriter error)
    {
        _console = console;
        _output = output;
        _error = error;
        _painter = new Thread(Paint) { IsBackground = true, Name = "view" };
        _painter.Start();
    }

    /// <inheritdoc/>
    public void Begin(RunHeader header)
    {
        foreach (string line in RunText.Header(header)) _lines.Enqueue(line);
        lock (_lock) _state = new RunState(header);
        _wake.Set();
    }

    /// <inheritdoc/>
    public void Show(RunEvent happened)
    {
        lock (_lock) _state?.Add(happened);
        switch (happened)
        {
            case EpochEnded epoch when _state is not null:
                _lines.Enqueue(RunText.ShortEpoch(epoch, _state.Header));
                break;
            case WorkerChanged { Standing: not (WorkerStanding.Active or WorkerStanding.Leaving) } worker:
                _lines.Enqueue(RunText.Worker(worker));
                break;
            case StragglerHelped late:
                _lines.Enqueue(RunText.Straggler(late));
                break;
            case Notice notice:
                _lines.Enqueue(notice.Text);
                break;
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
        Dispose();
        foreach (string line in RunText.Summary(summary)) _output.WriteLine(line);
        if (summary.Ending is RunEnding.UserError or RunEnding.Failed) _error.WriteLine($"error: {summary.Reason}");
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _ended = true;
        _wake.Set();
        if (Thread.CurrentThread != _painter) _painter.Join();
    }

    private void Paint()
    {
        while (!_ended && _state is null)
        {
            WriteLines();
            _wake.WaitOne(Frame);
        }

        if (!_ended)
        {
            WriteLines();
            _console.Live(new Text("")).AutoClear(true).Overflow(VerticalOverflow.Crop).Start(PaintFrames);
        }

        WriteLines();
    }

    private void PaintFrames(LiveDisplayContext display)
    {
        while (!_ended)
        {
            WriteLines();
            lock (_lock)
            {
                int width = Math.Max(1, _console.Profile.Width - EchoRoom);
                display.UpdateTarget(LiveFrame.Draw(_state!, width, _console.Profile.Capabilities.Unicode));
            }

            _wake.WaitOne(Frame);
        }
    }

    private void WriteLines()
    {
        int width = Math.Max(1, _console.Profile.Width - 1);
        while (_lines.TryDequeue(out string? text))
        {
            // Padded, because what stands below is drawn over and not erased.
            foreach (string line in Wording.Wrap(text, width)) _console.WriteLine(line.PadRight(width));
        }
    }
}
