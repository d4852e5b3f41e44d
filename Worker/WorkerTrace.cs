using Distributed.Protocol;
using Distributed.Runtime;

namespace Distributed.Worker;

/// <summary>What the threads of this worker do and when, sent to a coordinator that writes a trace.</summary>
internal sealed class WorkerTrace : IDisposable
{
    private const int SpansOfMessage = 512;
    private static readonly TimeSpan Period = TimeSpan.FromMilliseconds(250);

    private readonly Lock _sending = new();
    private readonly TraceSpan[] _taken = new TraceSpan[SpansOfMessage];
    private readonly TraceLane[] _lanes;
    private readonly int _threads;
    private readonly Fence _fence;
    private readonly IControlLink _control;
    private readonly Timer _timer;

    private WorkerTrace(Fence fence, int threads, IControlLink control)
    {
        _fence = fence;
        _threads = threads;
        _control = control;
        _lanes =
        [
            .. Enumerable.Range(0, threads).Select(thread => new TraceLane($"compute {thread}")),
            new TraceLane("sum and push"),
            new TraceLane("loader"),
        ];
        _timer = new Timer(_ => Send(), null, Period, Period);
    }

    /// <summary>Begins where the coordinator asked for it; null: it did not.</summary>
    public static WorkerTrace? Begin(Welcome welcome, int threads, IControlLink control) =>
        welcome.Trace ? new WorkerTrace(welcome.Fence, threads, control) : null;

    /// <summary>What the role's effects cost.</summary>
    public TraceLane Role => _lanes[_threads];

    /// <summary>What the loading thread does.</summary>
    public TraceLane Loader => _lanes[_threads + 1];

    /// <summary>What a compute thread does.</summary>
    public TraceLane Compute(int thread) => _lanes[thread];

    /// <summary>Sends the last of it.</summary>
    public void Dispose()
    {
        _timer.Dispose();
        Send();
    }

    private void Send()
    {
        lock (_sending)
        {
            for (int lane = 0; lane < _lanes.Length; lane++)
            {
                int count;
                while ((count = _lanes[lane].Take(_taken)) > 0)
                {
                    _control.Send(new TraceSpans(
                        _fence, lane, _lanes[lane].Name, _taken[..count], _lanes[lane].Lost));
                }
            }
        }
    }
}
