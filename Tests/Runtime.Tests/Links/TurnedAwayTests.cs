using Xunit;

namespace Distributed.Runtime.Tests;

/// <summary>What the log says of strangers: the first of a kind at once, a flood in one line now and then.</summary>
public class TurnedAwayTests
{
    private static readonly Rejection Silent = new("10.0.0.1", RejectionKind.Silent, "it said nothing for 5000 ms");
    private static readonly Rejection Long = new("10.0.0.1", RejectionKind.TooLong, "the peer sent too much");

    private readonly FakeTime _time = new();
    private readonly List<string> _log = [];
    private readonly TurnedAway _strangers;

    public TurnedAwayTests() => _strangers = new TurnedAway(_log.Add, _time);

    [Fact]
    public void The_first_of_each_kind_and_address_is_said_at_once()
    {
        _strangers.Count(Silent);
        _strangers.Count(Long);
        _strangers.Count(Silent with { Address = "10.0.0.2" });
        Assert.Equal(
            [
                "Turned away a connection from 10.0.0.1: it said nothing for 5000 ms.",
                "Turned away a connection from 10.0.0.1: the peer sent too much.",
                "Turned away a connection from 10.0.0.2: it said nothing for 5000 ms.",
            ],
            _log);
        _time.Advance(TimeSpan.FromHours(1));
        Assert.Equal(3, _log.Count);
        Assert.Equal(3, _strangers.Total);
    }

    [Fact]
    public void A_flood_is_one_line_after_ten_seconds()
    {
        for (int count = 0; count < 1234; count++) _strangers.Count(Silent);
        for (int count = 0; count < 6; count++) _strangers.Count(Long);
        Assert.Equal(2, _log.Count);
        _time.Advance(TimeSpan.FromSeconds(9.9));
        Assert.Equal(2, _log.Count);
        _time.Advance(TimeSpan.FromSeconds(0.1));
        Assert.Equal("1,238 more connections from 10.0.0.1 were turned away: said nothing in time 1,233, too long 5.",
            _log[2]);
        Assert.Equal(3, _log.Count);
        Assert.Equal(1240, _strangers.Total);
    }

    [Fact]
    public void The_longer_it_goes_on_the_more_seldom_it_is_said()
    {
        List<double> said = [];
        for (int second = 0; second < 7200; second++)
        {
            int before = _log.Count;
            _strangers.Count(Silent);
            _time.Advance(TimeSpan.FromSeconds(1));
            if (second > 0 && _log.Count > before) said.Add(second);
        }

        Assert.InRange(said.Count, 10, 20);
        _time.Advance(TimeSpan.FromHours(1));
        int lines = _log.Count;
        _strangers.Count(Silent);
        _time.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal(lines + 1, _log.Count);
        Assert.Equal("1 more connection from 10.0.0.1 was turned away: said nothing in time 1.", _log[^1]);
    }

    [Fact]
    public void What_is_left_is_said_at_the_end()
    {
        _strangers.Count(Silent);
        _strangers.Count(Silent);
        _strangers.Dispose();
        Assert.Equal("1 more connection from 10.0.0.1 was turned away: said nothing in time 1.", _log[1]);
        Assert.Equal(2, _log.Count);
    }

    [Fact]
    public void Ever_new_addresses_fill_neither_log_nor_memory()
    {
        for (int address = 0; address < 10_000; address++)
            _strangers.Count(Silent with { Address = $"10.1.{address / 256}.{address % 256}" });
        Assert.Equal(65, _log.Count);
        _strangers.Summarize();
        Assert.Equal("9,935 more connections from other addresses were turned away: said nothing in time 9,935.",
            Assert.Single(_log[65..]));
    }
}
