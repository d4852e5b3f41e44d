namespace Distributed.Learning;

/// <summary>
/// Records when each buffer is first and last touched, on a timeline of steps: forward steps in order, the loss, then
/// the backward steps in reverse order.
/// </summary>
internal sealed class BufferUses(int buffers)
{
    private readonly (int First, int Last)[] _lives = Enumerable.Repeat((int.MaxValue, -1), buffers).ToArray();

    /// <summary>The moment that touches are recorded at.</summary>
    public int Time { get; set; }

    public void Touch(params ReadOnlySpan<PlanBuffer> touched)
    {
        foreach (var buffer in touched)
        {
            ref var life = ref _lives[buffer.Index];
            life = (Math.Min(life.First, Time), Math.Max(life.Last, Time));
        }
    }

    /// <summary>A buffer's first and last moment; first is after last when nothing touches it.</summary>
    public (int First, int Last) this[PlanBuffer buffer] => _lives[buffer.Index];
}
