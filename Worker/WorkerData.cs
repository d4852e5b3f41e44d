using System.Diagnostics;
using Distributed.Data;
using Distributed.Execution;
using Distributed.Protocol;
using Distributed.Runtime;

namespace Distributed.Worker;

/// <summary>
/// Where a worker's data come from: files of its host, or the coordinator, which sends them to where they are in no
/// cache yet.
/// </summary>
/// <param name="options">What the user says.</param>
/// <param name="node">Knows where the coordinator is.</param>
/// <param name="welcome">What the coordinator says.</param>
/// <param name="isOver">Whether the session has ended or is to end: then nothing is waited for any more.</param>
internal sealed class WorkerData(WorkerOptions options, WorkerNode node, Welcome welcome, Func<bool> isOver)
{
    /// <summary>Transfers in a row that may break off without having brought anything.</summary>
    private const int MostFutile = 3;

    /// <summary>How long another process of this host that receives the same data may stand still.</summary>
    private static readonly TimeSpan OthersDeadline = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan OthersPause = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan ProgressPause = TimeSpan.FromSeconds(1);

    private readonly DatasetOptions _cache = new();

    /// <summary>Loads the run's data; null where it is over before.</summary>
    /// <exception cref="DataException">They can't be had, or not be kept.</exception>
    /// <exception cref="LinkException">The coordinator refuses to send them, or transfers break off again and
    /// again.</exception>
    public RunData? Load(RunSpecification specification)
    {
        if (!options.DataFromCoordinator) return LoadLocal(specification);
        DatasetDescription? wanted = null;
        int futile = 0;
        while (!isOver())
        {
            long before = 0;
            ReceivedDataset? turn = null;
            try
            {
                wanted ??= Ask();
                turn = TakeTurn(wanted, out Dataset? data);
                before = turn?.Position ?? 0;
                if (turn is not null) data = Receive(wanted, turn);
                if (data is not null) return RunData.Of(specification, data);
            }
            catch (LinkException broken) when (!broken.Refused || isOver())
            {
                futile = turn?.Position > before ? 0 : futile + 1;
                if (futile == MostFutile && !isOver()) throw;
                Thread.Sleep(Pause);
            }
            finally
            {
                turn?.Dispose();
            }
        }

        return null;
    }

    private RunData LoadLocal(RunSpecification specification)
    {
        try
        {
            return RunData.Load(specification, options.DataDirectory ?? welcome.DataDirectory);
        }
        catch (DataException error) when (!options.IsLocal)
        {
            throw new DataException(
                $"{error.Message} Or let the coordinator send its data: --data-from coordinator.", error);
        }
    }

    private DatasetDescription Ask()
    {
        using SamplesReceiver asked = Open(SamplesHello.OnlyOffer);
        return RunSamples.Describe(asked.Offer);
    }

    /// <summary>Waits while another process of this host receives the data, but not for one that stands still. Null
    /// where they are found in the cache, or it is over.</summary>
    private ReceivedDataset? TakeTurn(DatasetDescription wanted, out Dataset? found)
    {
        ReceivedDataset? turn = ReceivedDataset.TryOpen(wanted, _cache, out found);
        if (turn is null && found is null)
            Say($"Another process of this host fetches {wanted.Name} already: waiting for it.");
        long seen = -1, since = 0;
        while (turn is null && found is null && !isOver())
        {
            Thread.Sleep(OthersPause);
            long progress = ReceivedDataset.ProgressOfOthers(wanted, _cache);
            if (progress != seen) (seen, since) = (progress, Stopwatch.GetTimestamp());
            turn = ReceivedDataset.TryOpen(
                wanted, _cache, out found, beside: Stopwatch.GetElapsedTime(since) > OthersDeadline);
        }

        return turn;
    }

    /// <summary>Null where it has to begin again, or is over.</summary>
    private Dataset? Receive(DatasetDescription wanted, ReceivedDataset into)
    {
        if (into.Position < wanted.Length)
        {
            using SamplesReceiver samples = Open(into.Position);
            if (RunSamples.Describe(samples.Offer).Sha256 != wanted.Sha256)
                throw new LinkException("The coordinator offers another data set than before.", refused: true);
            long told = 0;
            while (into.Position < wanted.Length)
            {
                if (isOver()) return null;
                if (told == 0 || Stopwatch.GetElapsedTime(told) > ProgressPause)
                {
                    Tell(wanted, into.Position);
                    told = Stopwatch.GetTimestamp();
                }

                into.Append(samples.Receive(wanted.Length - into.Position));
            }

            Tell(wanted, wanted.Length);
        }

        return into.Finish();
    }

    private SamplesReceiver Open(long from)
    {
        HostAddress address = node.DataAddress(welcome);
        return Connector.OpenSamples(
            address.EndPoint, new SamplesHello(options.Token, welcome.Run, welcome.Fence, welcome.Worker, from),
            options.Limits, options.Security.Toward(address.Host), isOver);
    }

    private static void Tell(DatasetDescription wanted, long position) =>
        Say($"Fetching {wanted.Name} from the coordinator: {ByteSize.Text(position, wanted.Length)}");

    private static void Say(string line) => Console.WriteLine(line);
}
