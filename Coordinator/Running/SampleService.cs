using Distributed.Data;
using Distributed.Execution;
using Distributed.Protocol;
using Distributed.Runtime;
using Distributed.Runtime.Native;

namespace Distributed.Coordinator;

/// <summary>Sends a worker the run's data set, on the connection's own thread: a frame at a time from where the
/// coordinator has its samples, in the time that everything else leaves.</summary>
internal static class SampleService
{
    /// <summary>Serves one connection until it ends.</summary>
    /// <param name="hello">What the worker asks for.</param>
    /// <param name="link">The connection.</param>
    /// <param name="cluster">Ended once the data are loaded.</param>
    public static void Serve(SamplesHello hello, SamplesSender link, Task<Cluster> cluster)
    {
        ThreadPriorities.LowerForLoading();
        if (!link.WaitFor(cluster)) return;
        SampleStream samples = new(cluster.Result.Data.Dataset);
        if (hello.From > samples.Description.Length)
        {
            link.Refuse($"The data set {samples.Description.Name} has {samples.Description.Length} bytes, and those "
                + $"from {hello.From} on were asked for.");
            return;
        }

        try
        {
            bool isAsked = hello.From != SamplesHello.OnlyOffer;
            samples.Position = isAsked ? hello.From : 0;
            link.Send(RunSamples.Offer(samples.Description), samples.Position, isAsked ? samples.Read : null);
        }
        catch (DataException changed)
        {
            link.Refuse(changed.Message);
        }
    }
}
