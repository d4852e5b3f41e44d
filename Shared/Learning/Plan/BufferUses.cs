namespace Distributed.Learning;

/// <summary>
/// Records when each buffer is first and last touched, on a timeline of steps: forward steps in order, the loss, then
/// the backward steps in reverse order.
/// </summary>
internal sealed class BufferUses
{
    private readonly int[] _first;
    private readonly int[] _last;

    public BufferUses(int buffers)
    {
        _first = new int[buffers];
        _last = new int[buffers];
        Array.Fill(_first, int.MaxValue);
        Array.Fill(_last, -1);
    }

    /// <summary>The moment that touches are recorded at.</summary>
    public int Time { get; set; }

    public void Touch(params ReadOnlySpan<PlanBuffer> touched)
    {
        foreach (var buffer in touched)
        {
            _first[buffer.Index] = Math.Min(_first[buffer.Index], Time);
            _last[buffer.Index] = Math.Max(_last[buffer.Index], Time);
        }
    }

    /// <summary>A buffer's length and life; one that nothing touched isn't used.</summary>
    public BufferLife Life(PlanBuffer buffer, int samples) =>
        new(buffer.LongLength(samples), _first[buffer.Index], _last[buffer.Index]);
}
