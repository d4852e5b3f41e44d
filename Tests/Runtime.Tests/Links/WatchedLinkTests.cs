using Distributed.Execution;
using Distributed.Protocol;
using Xunit;

namespace Distributed.Runtime.Tests;

/// <summary>Links through shared memory whose worker looks for what comes instead of being woken.</summary>
public class WatchedLinkTests
{
    private readonly Publications _publications = new(SharedPair.Lengths.Parameters);

    [SharedMemoryFact]
    public void Whoever_watches_takes_what_comes_and_nobody_is_woken_for_it()
    {
        using SharedPair pair = new(_publications);
        Assert.True(pair.WorkerLink.BeginWatch());
        Assert.False(pair.WorkerLink.BeginWatch());
        Assert.True(pair.CoordinatorLink.IsWatched);
        SharedPair.Publish(_publications, 1, pair);
        Assert.True(pair.CoordinatorLink.Send(new Credit { Count = 3 }));
        _publications.Flush();
        pair.WorkerLink.Receive();
        Assert.True(pair.Worker.Arrivals.TryTake(out (ParametersHeader Header, IBlock) arrival));
        Assert.Equal(SharedPair.Header(1), arrival.Header);
        Assert.True(pair.Worker.Messages.TryTake(out Message? message));
        Assert.Equal(new Credit { Count = 3 }, message);
        SharedPair.Publish(_publications, 2, pair);
        pair.WorkerLink.UseArrived(); // what waited for it comes at once
        Assert.True(pair.Worker.Arrivals.TryTake(out arrival));
        Assert.Equal(SharedPair.Header(2), arrival.Header);
        pair.WorkerLink.UseArrived();
        SharedPair.Publish(_publications, 3, pair);
        pair.WorkerLink.EndWatch();
        Assert.True(pair.Worker.Arrivals.TryTake(out arrival));
        Assert.Equal(SharedPair.Header(3), arrival.Header);
        Assert.False(pair.CoordinatorLink.IsWatched);
    }

    [SharedMemoryFact]
    public void Who_has_taken_all_that_was_sent_is_not_taken_for_asleep()
    {
        using SharedPair pair = new(_publications);
        Assert.True(pair.WorkerLink.BeginWatch());
        Assert.True(pair.CoordinatorLink.Send(new Credit { Count = 1 }));
        Assert.False(pair.CoordinatorLink.MayBeAsleep); // it watches
        pair.WorkerLink.EndWatch();
        Assert.False(pair.CoordinatorLink.MayBeAsleep); // it has taken the message
        Assert.True(pair.CoordinatorLink.Send(new Credit { Count = 2 }));
        Assert.True(pair.CoordinatorLink.MayBeAsleep);
        pair.WorkerLink.Receive();
        Assert.False(pair.CoordinatorLink.MayBeAsleep);
        _publications.Publish(SharedPair.Header(1), SharedPair.Parameters(1));
        Assert.True(pair.CoordinatorLink.Publish(_publications.Newest!));
        Assert.True(pair.CoordinatorLink.MayBeAsleep);
        pair.WorkerLink.Receive();
        Assert.False(pair.CoordinatorLink.MayBeAsleep);
    }

    [SharedMemoryFact]
    public void Nothing_is_missed_where_watching_ends_and_sleeping_begins()
    {
        using SharedPair pair = new(_publications), other = new(_publications);
        foreach (SharedPair each in (SharedPair[])[pair, other])
            ((SharedWorkerLink)each.WorkerLink).CheckMilliseconds = int.MaxValue; // it sleeps until it is woken
        using CancellationTokenSource over = new();
        Task watching = Task.Run(() =>
        {
            while (!over.IsCancellationRequested)
            {
                Assert.True(pair.WorkerLink.BeginWatch());
                pair.WorkerLink.Receive();
                pair.WorkerLink.EndWatch();
                Thread.Yield();
            }
        });
        for (long version = 1; version <= 3000; version++)
        {
            SharedPair.Publish(_publications, version, pair, other);
            foreach (SharedPair each in (SharedPair[])[pair, other])
            {
                Assert.Equal(SharedPair.Header(version), each.Worker.Arrivals.TakeSoon().Header);
                each.WorkerLink.UseArrived();
            }
        }

        over.Cancel();
        Assert.True(watching.Wait(Wait.Deadline));
    }
}
