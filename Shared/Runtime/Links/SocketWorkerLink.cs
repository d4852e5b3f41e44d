using Distributed.Execution;
using Distributed.Protocol;

namespace Distributed.Runtime;

/// <summary>
/// The worker's data link over a socket. Parameters are received into the one of two blocks that is not in use; until
/// what arrived is in use the link waits, and with it the coordinator's sender for this worker alone.
/// </summary>
internal sealed class SocketWorkerLink : IWorkerLink, ITensorReceiver<ParametersHeader>
{
    private readonly DataLink<GradientHeader, ParametersHeader> _link;
    private readonly Fence _fence;
    private readonly TensorLengths _lengths;
    private readonly NativeBlock?[] _parameters = new NativeBlock?[2];
    private readonly SemaphoreSlim _free = new(1);
    private readonly Stack<IBlock> _gradients = new();
    private IParameterReceiver? _receiver;
    private int _next;
    private volatile bool _ended;

    public SocketWorkerLink(DataLink<GradientHeader, ParametersHeader> link, Fence fence, TensorLengths lengths)
    {
        _link = link;
        _fence = fence;
        _lengths = lengths;
    }

    public void Start(IParameterReceiver receiver)
    {
        _receiver = receiver;
        _link.Start(_lengths.Parameters, _lengths.Gradient, this);
    }

    public void UseArrived()
    {
        _next ^= 1;
        _free.Release();
    }

    // Whoever receives sleeps in the socket.
    public bool BeginWatch() => false;

    public void Receive()
    {
    }

    public void EndWatch()
    {
    }

    public IBlock RentGradient() =>
        _gradients.TryPop(out IBlock? free) ? free : new NativeBlock(_lengths.Gradient);

    public bool Push(in GradientHeader header, IBlock gradient)
    {
        bool sent = _link.Send(header, gradient.Span);
        _gradients.Push(gradient);
        return sent;
    }

    /// <summary>Closes, and ends the wait for a free block. Blocks in use stay.</summary>
    public void Dispose()
    {
        _ended = true;
        _free.Release();
        _link.Dispose();
    }

    public void Free()
    {
        _link.Join();
        foreach (NativeBlock? block in _parameters)
            block?.Dispose();
        while (_gradients.TryPop(out IBlock? block))
            (block as IDisposable)?.Dispose();
    }

    Span<float> ITensorReceiver<ParametersHeader>.Acquire(in ParametersHeader header)
    {
        if (header.Fence != _fence)
            return default;
        _free.Wait();
        return _ended ? default : (_parameters[_next] ??= new NativeBlock(_lengths.Parameters)).Span;
    }

    void ITensorReceiver<ParametersHeader>.Received(in ParametersHeader header) =>
        _receiver!.Arrived(header, _parameters[_next]!);

    void ITensorReceiver<ParametersHeader>.Ended(LinkEnd end) => _receiver!.Ended(end);
}
