using System.Buffers;
using System.Diagnostics;
using System.Text.Json;
using Distributed.Protocol;
using Distributed.Roles.Coordinator;
using Distributed.Runtime;

namespace Distributed.Coordinator;

/// <summary>
/// Writes what the threads of a run do as events of the Chrome trace format: a process for the coordinator and one for
/// each worker, in them a lane for each thread, times in microseconds since 1970 by each machine's own clock. Safe for
/// any threads.
/// </summary>
internal sealed class TraceWriter : IDisposable
{
    private const int SpansAtOnce = 512;
    private const int StepLane = 1, EvaluationLane = 2, CheckpointLane = 3;

    // A worker's number begins anew under every fence, and its processes are others.
    private const long ProcessesOfFence = 100_000;
    private static readonly TimeSpan Period = TimeSpan.FromMilliseconds(250);

    private readonly Lock _lock = new();
    private readonly Fence _fence;
    private readonly TraceFile _file;
    private readonly ArrayBufferWriter<byte> _events = new(64 << 10);
    private readonly Utf8JsonWriter _json;
    private readonly HashSet<(int Worker, int Lane)> _named = [];
    private readonly Dictionary<(int Worker, int Lane), long> _lost = [];
    private readonly TraceSpan[] _taken = new TraceSpan[SpansAtOnce];
    private readonly Timer _timer;
    private long _evaluationBegan;

    /// <summary>Begins to write.</summary>
    /// <param name="file">Where to; it is disposed with this.</param>
    /// <param name="fence">The number that this coordinator works under.</param>
    public TraceWriter(TraceFile file, Fence fence)
    {
        _file = file;
        _fence = fence;
        _json = new Utf8JsonWriter(_events);
        _timer = new Timer(_ => WriteOwn(), null, Period, Period);
    }

    /// <summary>What the parameter server does; its actor adds to it.</summary>
    public TraceLane ParameterServer { get; } = new("parameter server");

    /// <summary>Writes what a worker's thread did.</summary>
    /// <param name="worker">The worker.</param>
    /// <param name="name">Its name.</param>
    /// <param name="spans">What came from it.</param>
    public void Write(WorkerId worker, string name, TraceSpans spans)
    {
        lock (_lock)
        {
            Name(worker.Value, name, spans.Lane, spans.Name);
            foreach (TraceSpan span in spans.Spans) Write(worker.Value, spans.Lane, span);
            CountLost(worker.Value, spans.Lane, spans.Lost);
            Flush();
        }
    }

    /// <summary>Writes what an event tells of a time that has ended: steps, evaluations and checkpoints.</summary>
    public void Write(RunEvent happened)
    {
        long now = TraceLane.UtcMicroseconds(Stopwatch.GetTimestamp());
        lock (_lock)
        {
            switch (happened)
            {
                case StepEnded ended:
                    WriteOwn(StepLane, "steps", "step", now, ended.Seconds, ended.Progress.Step);
                    break;
                case EvaluationAdvanced { Done: 0 }: _evaluationBegan = now; break;
                case EvaluationAdvanced evaluation when evaluation.Done == evaluation.Count:
                    WriteOwn(
                        EvaluationLane, "evaluations", RunText.Split(evaluation.Split), now,
                        (now - _evaluationBegan) / 1e6, step: null);
                    break;
                case CheckpointWritten written:
                    WriteOwn(
                        CheckpointLane, "checkpoints", written.Failure is null ? "checkpoint" : "failed checkpoint",
                        now, written.Seconds, written.Step);
                    break;
            }
        }
    }

    /// <summary>Writes the rest and the closing bracket.</summary>
    public void Dispose()
    {
        _timer.Dispose();
        WriteOwn();
        lock (_lock) _file.Dispose(); // it takes nothing more
    }

    private void WriteOwn()
    {
        lock (_lock)
        {
            int count;
            while ((count = ParameterServer.Take(_taken)) > 0)
            {
                NameOwn(0, ParameterServer.Name);
                foreach (TraceSpan span in _taken.AsSpan(0, count)) Write(0, 0, span);
            }

            CountLost(0, 0, ParameterServer.Lost);
            Flush();
        }
    }

    private void WriteOwn(int lane, string laneName, string what, long end, double seconds, long? step)
    {
        NameOwn(lane, laneName);
        long microseconds = (long)(seconds * 1e6);
        Begin(what, "X", 0, lane);
        _json.WriteNumber("ts", end - microseconds);
        _json.WriteNumber("dur", microseconds);
        if (step is { } number)
        {
            _json.WriteStartObject("args");
            _json.WriteNumber("step", number);
            _json.WriteEndObject();
        }

        End();
        Flush();
    }

    private void NameOwn(int lane, string laneName) => Name(0, "coordinator", lane, laneName);

    private void Name(int worker, string process, int lane, string laneName)
    {
        if (_fence.Value > 1) process = $"{process} (fence {_fence})";
        if (_named.Add((worker, -1))) Name("process_name", worker, lane, process);
        if (_named.Add((worker, lane))) Name("thread_name", worker, lane, laneName);
    }

    private void Name(string what, int worker, int lane, string name)
    {
        Begin(what, "M", worker, lane);
        _json.WriteStartObject("args");
        _json.WriteString("name", name);
        _json.WriteEndObject();
        End();
    }

    private void Write(int worker, int lane, in TraceSpan span)
    {
        Begin(Text(span.Activity), "X", worker, lane);
        _json.WriteNumber("ts", span.StartMicroseconds);
        _json.WriteNumber("dur", span.Microseconds);
        if (span.Step.Value > 0 || span.Count > 0)
        {
            _json.WriteStartObject("args");
            if (span.Step.Value > 0) _json.WriteNumber("step", span.Step.Value);
            if (span.Count > 0)
            {
                bool isSamples = span.Activity is TraceActivity.Evaluate or TraceActivity.Load;
                _json.WriteNumber(isSamples ? "firstSample" : "firstMicroBatch", span.First);
                _json.WriteNumber(isSamples ? "samples" : "microBatches", span.Count);
            }

            _json.WriteEndObject();
        }

        End();
    }

    private void CountLost(int worker, int lane, long lost)
    {
        long before = _lost.GetValueOrDefault((worker, lane));
        if (lost <= before) return;
        _lost[(worker, lane)] = lost;
        Begin($"{lost - before} spans found no room", "i", worker, lane);
        _json.WriteNumber("ts", TraceLane.UtcMicroseconds(Stopwatch.GetTimestamp()));
        End();
    }

    private void Begin(string name, string phase, int worker, int lane)
    {
        _json.Reset();
        _json.WriteStartObject();
        _json.WriteString("name", name);
        _json.WriteString("ph", phase);
        _json.WriteNumber("pid", (_fence.Value * ProcessesOfFence) + worker);
        _json.WriteNumber("tid", lane);
    }

    private void End()
    {
        _json.WriteEndObject();
        _json.Flush();
        _events.Write(TraceFile.Separator);
    }

    private void Flush()
    {
        _file.Append(_events.WrittenSpan);
        _events.ResetWrittenCount();
    }

    private static string Text(TraceActivity activity) => activity switch
    {
        TraceActivity.Compute => "compute",
        TraceActivity.Prepare => "prepare parameters",
        TraceActivity.Evaluate => "evaluate",
        TraceActivity.Add => "add gradients",
        TraceActivity.Push => "push gradient",
        TraceActivity.Load => "load samples",
        TraceActivity.Optimize => "optimizer step",
        TraceActivity.Publish => "publish parameters",
        TraceActivity.KeepBest => "keep best",
        TraceActivity.Snapshot => "snapshot",
        _ => "?",
    };
}
