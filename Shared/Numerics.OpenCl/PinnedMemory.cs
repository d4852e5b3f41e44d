using Distributed.Numerics.OpenCl.Native;

namespace Distributed.Numerics.OpenCl;

/// <summary>Host memory of the driver's choice, which a device copies from and to at full speed.</summary>
internal sealed class PinnedMemory
{
    private readonly nint _buffer;
    private readonly nint _mapped;

    public PinnedMemory(nint context, nint queue, int length)
    {
        Length = Math.Max(1, length);
        _buffer = OpenClCalls.CreateBuffer(context, (long)Length * sizeof(float), onHost: true);
        _mapped = OpenClCalls.Map(queue, _buffer, (long)Length * sizeof(float));
        Span.Clear();
    }

    public int Length { get; }

    public Span<float> Span => OpenClCalls.Mapped<float>(_mapped, Length);

    /// <summary>Copies the first floats; they must stay as they are until the queue has done it.</summary>
    public void Upload(nint queue, nint buffer, long offset, int length)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, Length);
        OpenClCalls.WriteMapped(queue, buffer, offset, (long)length * sizeof(float), _mapped);
    }

    public void Free(nint queue)
    {
        OpenClCalls.Unmap(queue, _buffer, _mapped);
        OpenClCalls.Finish(queue);
        _ = OpenClLibrary.ReleaseMemory(_buffer);
    }
}
