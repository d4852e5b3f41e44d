using Xunit;

namespace Distributed.Runtime.Tests;

public sealed class DeadlineTimerTests : IDisposable
{
    private readonly FakeTime _time = new();
    private readonly List<TimeSpan> _fired = [];
    private readonly DeadlineTimer _timer;
    private Action _reached = () => { };

    public DeadlineTimerTests()
    {
        _timer = new DeadlineTimer(_time, () =>
        {
            _fired.Add(_timer!.Now);
            _reached();
        });
    }

    public void Dispose() => _timer.Dispose();

    [Fact]
    public void NowCountsFromTheTimersCreation()
    {
        Assert.Equal(TimeSpan.Zero, _timer.Now);
        _time.Advance(Seconds(2.5));
        Assert.Equal(Seconds(2.5), _timer.Now);
    }

    [Fact]
    public void ItFiresOnceAtTheDeadline()
    {
        _time.Advance(Seconds(1));
        _timer.Arm(Seconds(10)); // a point in time, not a wait
        _time.Advance(Seconds(8.999));
        Assert.Empty(_fired);
        _time.Advance(Seconds(100));
        Assert.Equal([Seconds(10)], _fired);
    }

    [Fact]
    public void AnEarlierDeadlineComesEarlier()
    {
        _timer.Arm(Seconds(10));
        _timer.Arm(Seconds(5));
        _time.Advance(Seconds(100));
        Assert.Equal([Seconds(5)], _fired);
    }

    [Fact]
    public void ALaterDeadlineIsLookedAtWhenTheOneBeforeFires()
    {
        _reached = () => _timer.Arm(_timer.Now < Seconds(9) ? Seconds(9) : null);
        _timer.Arm(Seconds(5));
        for (int second = 6; second <= 9; second++) _timer.Arm(Seconds(second));
        Assert.Equal(1, _time.Changes);
        _time.Advance(Seconds(100));
        Assert.Equal([Seconds(5), Seconds(9)], _fired);
        Assert.Equal(2, _time.Changes);
    }

    [Fact]
    public void TheSameDeadlineCanBeArmedAgainAfterItFired()
    {
        _timer.Arm(Seconds(5));
        _time.Advance(Seconds(5));
        _timer.Arm(Seconds(5));
        _time.Advance(TimeSpan.Zero);
        Assert.Equal([Seconds(5), Seconds(5)], _fired);
    }

    [Fact]
    public void APassedDeadlineFiresAtOnceThoughNotInTheCall()
    {
        _time.Advance(Seconds(7));
        _timer.Arm(Seconds(3));
        Assert.Empty(_fired);
        _time.Advance(TimeSpan.Zero);
        Assert.Equal([Seconds(7)], _fired);
    }

    [Fact]
    public void NoDeadlineChangesNothing()
    {
        _timer.Arm(null);
        Assert.Equal(0, _time.Changes);
        _timer.Arm(Seconds(5));
        _timer.Arm(null);
        _time.Advance(Seconds(100));
        Assert.Equal([Seconds(5)], _fired);
    }

    [Fact]
    public void ADisposedTimerIsSilent()
    {
        _timer.Arm(Seconds(5));
        _timer.Dispose();
        _time.Advance(Seconds(100));
        Assert.Empty(_fired);
    }

    private static TimeSpan Seconds(double seconds) => TimeSpan.FromSeconds(seconds);
}
