using System.Runtime.InteropServices;
using Distributed.Execution;
using Distributed.Protocol;
using Distributed.Runtime.Native;
using Xunit;

namespace Distributed.Runtime.Tests;

public class SharedLinkTests
{
    private static readonly GradientHeader Gradient =
        new(SharedPair.Fence, new StepNumber(5), new TreeNode(0, 2), 64, 1.5, 60, 70_000, 0);

    private readonly Publications _publications = new(SharedPair.Lengths.Parameters);

    [SharedMemoryFact]
    public void A_gradient_is_read_where_it_was_computed_and_its_place_is_free_once_returned()
    {
        using SharedPair pair = new(_publications, slots: 3); // two of them reserved
        float[] expected = new float[SharedPair.Lengths.Gradient];
        for (int round = 0; round < 10; round++)
        {
            new Random(round).NextBytes(MemoryMarshal.AsBytes(expected.AsSpan()));
            IBlock block = pair.WorkerLink.RentGradient();
            Assert.IsNotType<NativeBlock>(block);
            expected.CopyTo(block.Span);
            GradientHeader header = Gradient with { Step = new StepNumber(round) };
            Assert.True(pair.WorkerLink.Push(header, block));
            (GradientHeader arrived, ILentBlock lent) = pair.Coordinator.Gradients.TakeSoon();
            Assert.Equal(header, arrived);
            Assert.True(MemoryMarshal.AsBytes(lent.Span).SequenceEqual(MemoryMarshal.AsBytes(expected.AsSpan())));
            block.Span[0] = 17; // one memory, seen by both
            Assert.Equal(17, lent.Span[0]);
            Assert.IsType<NativeBlock>(pair.WorkerLink.RentGradient());
            lent.Return();
        }
    }

    [SharedMemoryFact]
    public void Few_places_are_touched_however_many_there_are()
    {
        using SharedPair pair = new(_publications, slots: 50);
        HashSet<IBlock> places = [];
        for (int round = 0; round < 100; round++)
        {
            IBlock block = pair.WorkerLink.RentGradient();
            places.Add(block);
            Assert.True(pair.WorkerLink.Push(Gradient, block));
            pair.Coordinator.Gradients.TakeSoon().Gradient.Return();
        }

        Assert.Single(places);
    }

    [SharedMemoryFact]
    public void A_gradient_computed_elsewhere_finds_a_place_or_waits_for_one()
    {
        using SharedPair pair = new(_publications, slots: 3);
        for (int i = 0; i < 3; i++)
        {
            IBlock block = pair.WorkerLink.RentGradient();
            block.Span.Fill(i);
            Assert.True(pair.WorkerLink.Push(Gradient, block));
        }

        using NativeBlock last = new(SharedPair.Lengths.Gradient);
        last.Span.Fill(3);
        Task<bool> pushing = Task.Run(() => pair.WorkerLink.Push(Gradient, last));
        for (int i = 0; i < 4; i++)
        {
            (_, ILentBlock lent) = pair.Coordinator.Gradients.TakeSoon();
            Assert.Equal(i, lent.Span[^1]);
            lent.Return();
        }

        Assert.True(pushing.Soon());
    }

    [SharedMemoryFact]
    public void Two_publications_are_enough_for_workers_that_keep_up()
    {
        using SharedPair first = new(_publications), second = new(_publications);
        for (long version = 1; version <= 20; version++)
        {
            SharedPair.Publish(_publications, version, first, second);
            foreach (SharedPair pair in (SharedPair[])[first, second])
            {
                (ParametersHeader header, IBlock block) = pair.Worker.Arrivals.TakeSoon();
                Assert.Equal(SharedPair.Header(version), header);
                Assert.Equal(SharedPair.Parameters(version), block.Span);
                pair.WorkerLink.UseArrived();
            }
        }

        Assert.Equal(2, _publications.Count);
    }

    [SharedMemoryFact]
    public void A_worker_that_stands_still_keeps_its_parameters_and_holds_up_nobody()
    {
        using SharedPair still = new(_publications), other = new(_publications);
        SharedPair.Publish(_publications, 1, still, other);
        (_, IBlock inUse) = still.Worker.Arrivals.TakeSoon();
        still.WorkerLink.UseArrived();
        SharedPair.Publish(_publications, 2, still);
        (_, IBlock waiting) = still.Worker.Arrivals.TakeSoon(); // and never used
        other.Worker.Arrivals.TakeSoon();
        other.WorkerLink.UseArrived();
        for (long version = 3; version < 50; version++)
        {
            SharedPair.Publish(_publications, version, still, other);
            Assert.Equal(SharedPair.Header(version), other.Worker.Arrivals.TakeSoon().Header);
            other.WorkerLink.UseArrived();
            Assert.Equal(SharedPair.Parameters(1), inUse.Span);
            Assert.Equal(SharedPair.Parameters(2), waiting.Span);
        }

        Assert.Equal(4, _publications.Count); // its two, and two
        Assert.Empty(still.Worker.Arrivals);
        still.WorkerLink.UseArrived(); // it goes on, and finds the newest
        Assert.Equal(SharedPair.Header(49), still.Worker.Arrivals.TakeSoon().Header);
        Assert.Equal(0, still.Coordinator.Ends);
    }

    [SharedMemoryFact]
    public void What_a_worker_held_is_free_once_it_is_gone_and_what_it_pushed_stays()
    {
        SharedPair pair = new(_publications);
        SharedPair.Publish(_publications, 1, pair);
        pair.Worker.Arrivals.TakeSoon();
        SharedPair.Publish(_publications, 2, pair);
        IBlock block = pair.WorkerLink.RentGradient();
        block.Span.Fill(7);
        pair.WorkerLink.Push(Gradient, block);
        (_, ILentBlock lent) = pair.Coordinator.Gradients.TakeSoon();
        pair.WorkerLink.Dispose();
        Assert.Equal(LinkEndKind.ClosedByPeer, pair.Coordinator.End.Kind);
        Assert.False(pair.CoordinatorLink.Publish(_publications.Newest!));
        for (long version = 3; version < 10; version++) SharedPair.Publish(_publications, version);
        Assert.Equal(2, _publications.Count);
        Assert.Equal(7, lent.Span[^1]);
        lent.Return();
        pair.Dispose();
        Assert.Equal(1, pair.Coordinator.Ends);
    }

    [SharedMemoryFact]
    public void Messages_arrive_in_order_while_parameters_wait_to_be_used()
    {
        using SharedPair pair = new(_publications);
        SharedPair.Publish(_publications, 1, pair);
        pair.Worker.Arrivals.TakeSoon(); // not used, so that no others arrive
        SharedPair.Publish(_publications, 2, pair);
        Random random = new(1);
        for (int step = 0; step < 2000; step++) // several times around
        {
            Train train = new() { Step = new StepNumber(step), MicroBatch = 32, Samples = 100 };
            for (int node = random.Next(40); node > 0; node--) train.Nodes.Add(new TreeNode(node, node + 1));
            Credit credit = new() { Step = new StepNumber(step), Count = 1 };
            Assert.True(pair.CoordinatorLink.Send(train));
            Assert.True(pair.CoordinatorLink.Send(credit));
            _publications.Flush();
            Assert.Equal(train, pair.Worker.Messages.TakeSoon());
            Assert.Equal(credit, pair.Worker.Messages.TakeSoon());
        }
    }

    [SharedMemoryFact]
    public void A_worker_that_reads_no_messages_is_cut_off_without_blocking_the_sender()
    {
        using HostileWorker worker = new(_publications);
        int sent = 0;
        while (worker.Link.Send(new Credit { Fence = SharedPair.Fence })) sent++;
        Assert.InRange(sent, 1000, MessageLane.Bytes);
        Assert.Equal(LinkEndKind.TimedOut, worker.Recorder.End.Kind);
        Assert.False(worker.Link.Send(new Credit()));
    }

    [SharedMemoryFact]
    public void A_coordinator_that_closes_ends_the_workers_link()
    {
        using SharedPair pair = new(_publications);
        pair.CoordinatorLink.Dispose();
        Assert.Equal(LinkEndKind.ClosedByPeer, pair.Worker.End.Kind);
        Assert.False(pair.WorkerLink.Push(Gradient, pair.WorkerLink.RentGradient()));
        Assert.Equal(LinkEndKind.ClosedHere, pair.Coordinator.End.Kind);
    }

    [SharedMemoryFact]
    public void Memory_that_is_not_the_offered_one_leaves_tensors_on_the_connection()
    {
        using SharedPair other = new(_publications);
        using SharedMemoryHolder holder = new(WorkerMemory.Bytes(4, SharedPair.Lengths.Gradient));
        SharedMemoryOffer sound = new(
            Environment.ProcessId, holder.Memory.Descriptor, holder.Memory.Length, 4, Nonce: 0);
        foreach (SharedMemoryOffer offer in (SharedMemoryOffer[])
        [
            sound with { Nonce = 1 }, sound with { Descriptor = 1 << 20 }, sound with { ProcessId = int.MaxValue },
            sound with { Bytes = 4096 }, sound with { Slots = 5 }, sound with { Slots = 1 << 30 },
        ])
        {
            using TestListener listener = new();
            Task<IWorkerLink> opening = Task.Run(() =>
                Connector.OpenData(listener.EndPoint, DataPair.Hello, SharedPair.Lengths, new MessagePool()));
            DataLink<ParametersHeader, GradientHeader> link = listener.Datas.TakeSoon().Link;
            Handshake.Send(link.Socket, offer);
            Message? answer = Handshake.Read(link.Socket, link.Limits, 1000, 10_000);
            Assert.Equal(new SharedMemoryAnswer(false), answer);
            TensorRecorder<GradientHeader, ParametersHeader> recorder = new(SharedPair.Lengths.Gradient);
            link.Accept(SharedPair.Lengths.Gradient, SharedPair.Lengths.Parameters, recorder);
            using IWorkerLink worker = opening.Soon();
            ParameterRecorder parameters = new();
            worker.Start(parameters);
            IBlock gradient = worker.RentGradient();
            gradient.Span.Fill(3);
            Assert.True(worker.Push(Gradient, gradient));
            recorder.WaitReceived();
            Assert.Equal(3, recorder.Block[^1]);
            foreach (long version in (long[])[1, 2, 3])
            {
                Assert.True(link.Send(SharedPair.Header(version), SharedPair.Parameters(version)));
                (ParametersHeader header, IBlock block) = parameters.Arrivals.TakeSoon();
                Assert.Equal(SharedPair.Header(version), header);
                Assert.Equal(SharedPair.Parameters(version), block.Span);
                worker.UseArrived();
            }
        }
    }

    [SharedMemoryFact]
    public void Memory_keeps_its_size_and_parameters_are_for_reading()
    {
        using HostileWorker worker = new(_publications);
        Assert.ThrowsAny<Exception>(() => Truncate(worker.Offer.Descriptor));
        SharedPair.Publish(_publications, 1);
        Assert.True(worker.Link.Publish(_publications.Newest!));
        int descriptor = worker.Memory.Descriptor(0);
        long bytes = Publication.BytesOf(SharedPair.Lengths.Parameters);
        Assert.ThrowsAny<Exception>(() => Truncate(descriptor));
        Assert.Null(SharedMemory.Open(Environment.ProcessId, descriptor, bytes, canWrite: true));
        SharedMemory? readable = SharedMemory.Open(Environment.ProcessId, descriptor, bytes, canWrite: false);
        Assert.Equal(SharedPair.Parameters(1)[9], readable!.Floats(Publication.FloatsAt, 10)[9]);
        readable.Release();
    }

    [SharedMemoryFact]
    public void Memory_is_unmapped_and_its_descriptor_closed_when_its_link_has_ended()
    {
        (int Maps, int Descriptors) before = Count();
        for (int i = 0; i < 5; i++)
        {
            using HostileWorker worker = new(_publications);
            MessageCodec.WriteTensorHeader(Gradient, 0, worker.Memory.Header(1));
            worker.Push(1, 1);
            ILentBlock lent = worker.Recorder.Gradients.TakeSoon().Gradient;
            worker.Link.Dispose();
            _ = worker.Recorder.End;
            lent.Return();
        }

        // Fewer where an earlier test's was still open.
        Wait.Until(() => Count() is var now && now.Maps <= before.Maps && now.Descriptors <= before.Descriptors);

        static (int Maps, int Descriptors) Count() => (
            File.ReadLines("/proc/self/maps").Count(line => line.Contains("memfd:distributed")),
            Directory.EnumerateFiles("/proc/self/fd").Count(path =>
                new FileInfo(path).LinkTarget?.Contains("memfd:distributed") == true));
    }

    [SharedMemoryFact]
    public void What_a_hostile_worker_writes_ends_its_link()
    {
        Expect("the peer sent a place in shared memory that is not its own", worker => worker.Push(-1, 1));
        Expect("the peer sent a place in shared memory that is not its own",
            worker => worker.Push(HostileWorker.Slots, 1));
        Expect("the peer sent a place in shared memory that is not its own",
            worker => worker.Push(0, HostileWorker.Slots + 1));
        Expect("the peer sent a place in shared memory that is not its own", worker =>
        {
            MessageCodec.WriteTensorHeader(Gradient, 0, worker.Memory.Header(2));
            worker.Push(2, 1);
            worker.Recorder.Gradients.TakeSoon(); // not returned yet
            worker.Push(2, 2);
        });
        Expect("the peer sent bytes that are not this protocol's", worker => worker.Push(0, 1));
        Expect("the peer sent a message that does not belong on this connection", worker =>
        {
            MessageCodec.WriteTensorHeader(SharedPair.Header(1), 0, worker.Memory.Header(0));
            worker.Push(0, 1);
        });
        Expect("the peer sent a message that does not belong on this connection", worker => worker.Send([1]));
        Expect("the peer takes parameters and does not use them", worker =>
        {
            for (long version = 1; version < 6; version++)
            {
                SharedPair.Publish(_publications, version);
                worker.Link.Publish(_publications.Newest!);
                Volatile.Write(ref worker.Memory.Offer, 0);
            }
        });

        void Expect(string reason, Action<HostileWorker> act)
        {
            using HostileWorker worker = new(_publications);
            act(worker);
            Assert.Equal(new LinkEnd(LinkEndKind.ProtocolError, reason), worker.Recorder.End);
            Assert.Equal(1, worker.Recorder.Ends);
        }
    }

    [SharedMemoryFact]
    public void Random_bytes_never_do_more_than_end_the_link()
    {
        Random random = new(1);
        for (int round = 0; round < 60; round++)
        {
            using HostileWorker worker = new(_publications);
            MessageCodec.WriteTensorHeader(Gradient, 0, worker.Memory.Header(0));
            Span<byte> words = worker.Memory.Memory.Bytes(64, 1024);
            Span<byte> header = worker.Memory.Header(0)[..64];
            for (int changes = 0; changes < 3; changes++)
            {
                if (round % 2 == 0) header[random.Next(header.Length)] ^= (byte)random.Next(1, 256);
                else random.NextBytes(words.Slice(random.Next(words.Length - 8), 8));
            }

            worker.Push(0, 1);
            SharedPair.Publish(_publications, round);
            worker.Link.Publish(_publications.Newest!);
            worker.Link.Send(new Credit());
            Wait.Until(() => worker.Recorder.HasEnded || worker.Recorder.Gradients.Count > 0);
        }
    }

    private static void Truncate(int descriptor)
    {
        using FileStream stream = new(
            $"/proc/self/fd/{descriptor}", FileMode.Open, FileAccess.Write, FileShare.ReadWrite);
        stream.SetLength(10);
    }

    private sealed class SharedMemoryHolder(long bytes) : IDisposable
    {
        public SharedMemory Memory { get; } = SharedMemory.Create(bytes, othersMayWrite: true)!;

        public void Dispose() => Memory.Release();
    }
}
