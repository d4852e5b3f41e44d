using Xunit;

namespace Distributed.Runtime.Tests;

public class MailboxTests
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    [Fact]
    public void ThePosterHandlesItemsInOrder()
    {
        List<(int Item, int Thread)> handled = [];
        Mailbox<int> mailbox = new(item => handled.Add((item, Environment.CurrentManagedThreadId)), Unexpected);
        for (int i = 0; i < 1000; i++)
        {
            mailbox.Post(i);
            Assert.Equal((i, Environment.CurrentManagedThreadId), handled[^1]);
        }

        Assert.Equal(1000, handled.Count);
    }

    [Fact]
    public void WhatAHandlerPostsIsHandledAfterIt()
    {
        List<string> log = [];
        Mailbox<int>? mailbox = null;
        mailbox = new Mailbox<int>(item =>
        {
            log.Add($"begin {item}");
            if (item == 1)
            {
                mailbox!.Post(2);
                mailbox.Post(3);
            }

            log.Add($"end {item}");
        }, Unexpected);
        mailbox.Post(1);
        Assert.Equal(["begin 1", "end 1", "begin 2", "end 2", "begin 3", "end 3"], log);
    }

    [Fact]
    public void ManyPostersGetOneHandlerAtATimeInEachOnesOrder()
    {
        const int Posters = 4;
        const int Items = 20_000;
        int inside = 0, overlaps = 0, disorder = 0, handled = 0;
        int[] next = new int[Posters];
        Mailbox<(int Poster, int Item)> mailbox = new(item =>
        {
            if (Interlocked.Increment(ref inside) != 1) Interlocked.Increment(ref overlaps);
            if (next[item.Poster]++ != item.Item) disorder++;
            handled++;
            Interlocked.Decrement(ref inside);
        }, Unexpected);
        using Barrier start = new(Posters);
        Thread[] threads = [.. Enumerable.Range(0, Posters).Select(poster => new Thread(() =>
        {
            start.SignalAndWait();
            for (int i = 0; i < Items; i++) mailbox.Post((poster, i));
        }))];
        foreach (Thread thread in threads) thread.Start();
        foreach (Thread thread in threads) thread.Join();
        // Nobody left the mailbox while something was in it.
        Assert.Equal((0, 0, Posters * Items), (overlaps, disorder, handled));
    }

    [Fact]
    public void ABusyMailboxKeepsNoPosterWaiting()
    {
        using ManualResetEventSlim entered = new(), release = new();
        List<(int Item, int Thread)> handled = [];
        Mailbox<int> mailbox = new(item =>
        {
            handled.Add((item, Environment.CurrentManagedThreadId));
            if (item != 1) return;
            entered.Set();
            Assert.True(release.Wait(Deadline));
        }, Unexpected);
        Thread first = new(() => mailbox.Post(1));
        first.Start();
        Assert.True(entered.Wait(Deadline));
        mailbox.Post(2); // would not return before the deadline if it waited
        Assert.Single(handled);
        release.Set();
        Assert.True(first.Join(Deadline));
        Assert.Equal([(1, first.ManagedThreadId), (2, first.ManagedThreadId)], handled);
    }

    [Fact]
    public void AFaultIsToldOnceAndClosesTheMailbox()
    {
        List<int> handled = [];
        List<Exception> faults = [];
        Mailbox<int>? mailbox = null;
        mailbox = new Mailbox<int>(item =>
        {
            handled.Add(item);
            mailbox!.Post(item + 1);
            if (item >= 2) throw new InvalidOperationException($"item {item}");
        }, faults.Add);
        mailbox.Post(1);
        mailbox.Post(10);
        Assert.Equal([1, 2], handled);
        Assert.Equal("item 2", Assert.Single(faults).Message);
    }

    [Fact]
    public void AClosedMailboxDropsWhatWaits()
    {
        List<int> handled = [];
        Mailbox<int>? mailbox = null;
        mailbox = new Mailbox<int>(item =>
        {
            handled.Add(item);
            mailbox!.Post(2);
            mailbox.Close();
            mailbox.Post(3);
        }, Unexpected);
        mailbox.Post(1);
        mailbox.Post(4);
        Assert.Equal([1], handled);
    }

    [Fact]
    public void PostingAllocatesNothing()
    {
        long sum = 0;
        Mailbox<(long Value, int Depth)>? mailbox = null;
        mailbox = new Mailbox<(long Value, int Depth)>(item =>
        {
            sum += item.Value;
            if (item.Depth > 0) mailbox!.Post((item.Value, item.Depth - 1));
        }, Unexpected);
        Round();
        long before = GC.GetAllocatedBytesForCurrentThread();
        Round();
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.Equal(2 * 4 * 999 * 1000 / 2, sum);

        void Round()
        {
            for (int i = 0; i < 1000; i++) mailbox.Post((i, 3));
        }
    }

    private static void Unexpected(Exception error) => Assert.Fail(error.ToString());
}
