using Xunit;

namespace Distributed.Runtime.Tests;

/// <summary>When an actor counts as stalled.</summary>
public sealed class HealthStatusTests
{
    private static readonly TimeSpan Long = HealthStatus.StallLimit + TimeSpan.FromMilliseconds(1);

    private readonly FakeTime _time = new();
    private readonly ManualEngine _engine = new();
    private readonly HealthStatus _status;
    private readonly IActor<int> _actor;
    private readonly List<int> _handled = [];

    public HealthStatusTests()
    {
        _status = new HealthStatus("", _time);
        _actor = _status.Watch(_engine).Start<int>("worker", _handled.Add, _ => { });
    }

    [Fact]
    public void An_actor_with_nothing_to_do_is_sound_however_long()
    {
        _time.Advance(Long);
        _actor.Post(1);
        Assert.Empty(_status.StalledActors);
        _engine.HandleNext();
        _time.Advance(Long);
        Assert.Empty(_status.StalledActors);
        Assert.Equal([1], _handled);
    }

    [Fact]
    public void What_was_posted_must_be_handled_in_time()
    {
        _actor.Post(1);
        _time.Advance(HealthStatus.StallLimit);
        Assert.Empty(_status.StalledActors);
        _time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Equal(["worker"], _status.StalledActors);
    }

    /// <summary>A queue that never empties is no stall while items come out of it.</summary>
    [Fact]
    public void Every_item_has_its_own_time()
    {
        for (int item = 0; item < 10; item++)
        {
            _actor.Post(item);
            _actor.Post(item);
            _time.Advance(HealthStatus.StallLimit);
            _engine.HandleNext();
            Assert.Empty(_status.StalledActors);
        }

        _time.Advance(Long);
        Assert.Equal(["worker"], _status.StalledActors);
    }

    [Fact]
    public void A_closed_actor_owes_nothing()
    {
        _actor.Post(1);
        _actor.Close();
        _time.Advance(Long);
        Assert.Empty(_status.StalledActors);
        Assert.True(_engine.IsClosed);
    }

    [Fact]
    public void An_actor_that_broke_owes_nothing()
    {
        IActor<int> broken = _status.Watch(_engine)
            .Start<int>("worker", _ => throw new InvalidOperationException(), _ => { });
        broken.Post(1);
        broken.Post(2);
        Assert.Throws<InvalidOperationException>(_engine.HandleNext);
        _time.Advance(Long);
        Assert.Empty(_status.StalledActors);
    }

    [Fact]
    public void An_actor_takes_the_place_of_one_with_its_name()
    {
        _actor.Post(1);
        _time.Advance(Long);
        Assert.Equal(["worker"], _status.StalledActors);
        _status.Watch(_engine).Start<int>("worker", _ => { }, _ => { });
        Assert.Empty(_status.StalledActors);
    }

    [Fact]
    public void Watching_allocates_nothing()
    {
        long handled = 0;
        IActor<long> watched = new HealthStatus("")
            .Watch(LocalEngine.Instance).Start<long>("worker", item => handled += item, _ => { });
        for (int i = 0; i < 100; i++) watched.Post(i);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 10_000; i++) watched.Post(i);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    /// <summary>Handles an item when it is told to.</summary>
    private sealed class ManualEngine : IEngine
    {
        private readonly Queue<Action> _items = new();

        public TimeProvider Time => TimeProvider.System;

        public bool IsClosed { get; private set; }

        public void HandleNext() => _items.Dequeue()();

        public IActor<T> Start<T>(string name, Action<T> handler, Action<Exception> fault) =>
            new Actor<T>(this, handler);

        private sealed class Actor<T>(ManualEngine engine, Action<T> handler) : IActor<T>
        {
            public void Post(in T item)
            {
                T posted = item;
                engine._items.Enqueue(() => handler(posted));
            }

            public void Close() => engine.IsClosed = true;
        }
    }
}
