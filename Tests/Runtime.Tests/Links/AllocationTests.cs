using Distributed.Execution;
using Distributed.Protocol;
using Xunit;

namespace Distributed.Runtime.Tests;

/// <summary>Runs alone, since it counts what the whole process allocates.</summary>
[CollectionDefinition(nameof(AllocationTests), DisableParallelization = true)]
[Collection(nameof(AllocationTests))]
public class AllocationTests
{
    private const int Warmup = 300;
    private const int Rounds = 1000;
    private const int Attempts = 4;

    [Fact]
    public void Tensors_allocate_nothing()
    {
        const int Length = 16_384; // 64 KB
        GradientHeader gradient = new(new Fence(3), new StepNumber(5), new TreeNode(0, 2), 64, 1.5, 60, 70_000, 0);
        ParametersHeader parameters = new(new Fence(3), new ParameterVersion(6));
        using DataPair pair = new(Length);
        AssertNothingAllocated(() =>
        {
            pair.WorkerLink.Send(gradient, pair.Worker.Loan);
            pair.Coordinator.WaitReceived();
            pair.CoordinatorLink.Post(parameters);
            pair.Worker.WaitReceived();
        });
    }

    [SharedMemoryFact]
    public void Tensors_in_shared_memory_allocate_nothing()
    {
        GradientHeader gradient = new(SharedPair.Fence, new StepNumber(5), new TreeNode(0, 2), 64, 1.5, 60, 70_000, 0);
        Publications publications = new(SharedPair.Lengths.Parameters);
        float[] parameters = SharedPair.Parameters(1);
        Counting counting = new();
        using SharedPair pair = new(publications, gradients: counting, parameters: counting);
        counting.Pool = pair.Pool;
        Train train = new() { Fence = SharedPair.Fence, Samples = 128, MicroBatch = 32, Credits = 2 };
        train.Nodes.Add(new TreeNode(0, 2));
        AssertNothingAllocated(() =>
        {
            pair.WorkerLink.Push(gradient, pair.WorkerLink.RentGradient());
            counting.WaitOne();
            publications.Publish(SharedPair.Header(6), parameters);
            pair.CoordinatorLink.Publish(publications.Newest!);
            publications.Flush();
            counting.WaitOne();
            pair.WorkerLink.UseArrived();
            pair.CoordinatorLink.Send(train);
            publications.Flush();
            counting.WaitOne();
        });
    }

    [Fact]
    public void Steady_control_messages_allocate_nothing()
    {
        Train train = new() { Fence = ControlPair.Fence, Samples = 128, MicroBatch = 32, Credits = 2 };
        train.Nodes.Add(new TreeNode(0, 2));
        Credit credit = new() { Fence = ControlPair.Fence, Count = 1 };
        Returning worker = new();
        using ControlPair pair = new(heartbeat: 20, workerHandler: worker);
        AssertNothingAllocated(() =>
        {
            pair.CoordinatorLink.Send(train);
            pair.CoordinatorLink.Send(credit);
            worker.WaitOne();
            worker.WaitOne();
        });
    }

    // The whole process is counted, so the test runner's own allocations are kept out: the best of a few attempts
    // counts, and less than a quarter of the smallest object a round passes.
    private static void AssertNothingAllocated(Action round)
    {
        for (int i = 0; i < Warmup; i++)
            round();
        long least = long.MaxValue;
        for (int attempt = 0; attempt < Attempts; attempt++)
        {
            long before = GC.GetTotalAllocatedBytes(precise: true);
            for (int i = 0; i < Rounds; i++)
                round();
            least = Math.Min(least, GC.GetTotalAllocatedBytes(precise: true) - before);
        }
        Assert.InRange(least, 0, 6 * Rounds);
    }

    // Gives every gradient back, as a parameter server does.
    private sealed class Counting : IGradientReceiver, IParameterReceiver
    {
        private readonly SemaphoreSlim _arrived = new(0);

        public void WaitOne() => Assert.True(_arrived.Wait(Wait.Deadline));

        public void Arrived(in GradientHeader header, ILentBlock gradient)
        {
            gradient.Return();
            _arrived.Release();
        }

        public void Arrived(in ParametersHeader header, IBlock parameters) => _arrived.Release();

        public MessagePool? Pool { get; set; }

        public void Received(Message message)
        {
            Pool!.Return(message);
            _arrived.Release();
        }

        public void Ended(LinkEnd end)
        {
        }
    }

    // Gives every message back, as a worker does.
    private sealed class Returning : IControlHandler
    {
        private readonly SemaphoreSlim _received = new(0);

        public void WaitOne() => Assert.True(_received.Wait(Wait.Deadline));

        public void Received(IControlLink link, Message message)
        {
            link.Return(message);
            _received.Release();
        }

        public void Ended(IControlLink link, LinkEnd end)
        {
        }
    }
}
