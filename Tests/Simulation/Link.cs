namespace Distributed.Simulation;

/// <summary>
/// One direction of a connection: what is sent arrives in order after random delays, unless it breaks. While it is cut
/// nothing arrives, as over a network that drops every packet; healed, it delivers what waited, in order.
/// </summary>
internal class Link<T>(VirtualTime time, Chance chance, Action<T> deliver)
{
    private readonly Queue<T> _waiting = new();
    private TimeSpan _last;
    private bool _isCut;
    private Action? _gapFound;

    protected bool IsBroken { get; private set; }

    protected Chance Chance => chance;

    public virtual void Send(T item)
    {
        TimeSpan arrival = time.Now + chance.Milliseconds(0.05, chance.Happens(0.02) ? 200 : 3);
        if (arrival < _last) arrival = _last;
        _last = arrival;
        Send(item, arrival);
    }

    /// <summary>What has not arrived is lost.</summary>
    public void Break() => IsBroken = true;

    public void Cut() => _isCut = true;

    public void Heal()
    {
        _isCut = false;
        while (_waiting.TryDequeue(out T? item)) Arrive(item);
    }

    /// <summary>The next message is lost. Messages are numbered and one follows within a second, so that is seen.
    /// </summary>
    public void LoseNext(Action gapFound) => _gapFound = gapFound;

    protected void Send(T item, TimeSpan arrival)
    {
        if (IsBroken) return;
        if (_gapFound is { } found)
        {
            _gapFound = null;
            Break();
            time.After(chance.Milliseconds(1, 1000), found);
            return;
        }

        time.At(arrival, () => Arrive(item));
    }

    private void Arrive(T item)
    {
        if (IsBroken) return;
        if (_isCut) _waiting.Enqueue(item);
        else deliver(item);
    }
}

/// <summary>
/// Gradients on their way: beyond what a connection may do to them, some overtake others and some arrive twice, so that
/// each must be counted by what it is and not by how it came.
/// </summary>
internal sealed class GradientLink(
    VirtualTime time, Chance chance, double disorder, Action<string> witness, Action<PushedGradient> deliver)
    : Link<PushedGradient>(time, chance, deliver)
{
    private readonly VirtualTime _time = time;

    public override void Send(PushedGradient item)
    {
        if (Chance.Happens(disorder))
        {
            witness("gradient delayed");
            Send(item, _time.Now + Chance.Milliseconds(1, 3000));
        }
        else
        {
            base.Send(item);
        }

        if (!Chance.Happens(disorder)) return;
        witness("gradient duplicated");
        Send(item, _time.Now + Chance.Milliseconds(0.1, 5000));
    }
}
