using System.Net;
using Distributed.Execution;
using Distributed.Runtime;
using Microsoft.Extensions.Logging;

namespace Distributed.Coordinator;

/// <summary>How waiting for one's turn ends.</summary>
internal enum TurnEnding
{
    /// <summary>It is this program's turn.</summary>
    Taken,

    /// <summary>Another coordinator has finished the run.</summary>
    Finished,

    /// <summary>This program was asked to stop.</summary>
    Stopped,
}

/// <summary>This program coordinates no longer.</summary>
internal sealed class TurnLostException(string sentence) : Exception(sentence);

/// <summary>
/// Whose turn it is to coordinate: this program's at once on the local engine; else its node waits in the cluster until
/// the others have let it, and loads the data meanwhile so that a fail-over need not.
/// </summary>
internal sealed class CoordinatorTurn : IAsyncDisposable
{
    private static readonly TimeSpan LookAgain = TimeSpan.FromSeconds(1);

    private readonly TrainOptions _options;
    private readonly Action<string> _say;
    private Task<RunData>? _data;

    private CoordinatorTurn(TrainOptions options, Action<string> say, ICoordinatorNode? node)
    {
        _options = options;
        _say = say;
        Node = node;
    }

    /// <summary>This program's node; null on the local engine.</summary>
    public ICoordinatorNode? Node { get; }

    /// <summary>Cancelled when the turn has gone to another node.</summary>
    public CancellationToken Lost => Node?.Lost ?? CancellationToken.None;

    /// <summary>Starts this program's node, where the engine has any.</summary>
    /// <exception cref="LinkException">The address can't be had, or must not be used.</exception>
    public static CoordinatorTurn Start(TrainOptions options, Action<string> say, ILoggerFactory loggers)
    {
        ICoordinatorNode? node = options.Engine?.StartCoordinator(new CoordinatorNodeOptions
        {
            Listen = options.Listen ?? new HostAddress("127.0.0.1", new IPEndPoint(IPAddress.Loopback, 0)),
            SeedNodes = options.SeedNodes,
            StandsBy = options.StandsBy,
            Security = options.Security,
            Limits = options.Limits,
            Say = say,
            Loggers = loggers,
        });
        return new CoordinatorTurn(options, say, node);
    }

    /// <summary>Waits for the turn.</summary>
    /// <param name="isFinished">Whether another coordinator has finished the run; asked from time to time.</param>
    /// <param name="stop">Asks to wait no longer.</param>
    /// <exception cref="LinkException">The cluster has given this node up.</exception>
    public async Task<TurnEnding> WaitAsync(Func<bool> isFinished, CancellationToken stop)
    {
        if (Node is null) return TurnEnding.Taken;
        _data = Task.Run(() => Load(_options.Specification), CancellationToken.None);
        try
        {
            Task lead = Node.LeadAsync(stop);
            if (_options.StandsBy && !lead.IsCompleted) _say($"Standing by at {Node.Address}.");
            if (await Task.WhenAny(lead, _data) == _data) await _data; // what is wrong with them is said now
            while (_options.HasStandBys && await Task.WhenAny(lead, Task.Delay(LookAgain, stop)) != lead)
            {
                if (isFinished()) return TurnEnding.Finished;
            }

            await lead;
            if (_options.HasStandBys) _say($"Coordinating at {Node.Address}.");
            return TurnEnding.Taken;
        }
        catch (OperationCanceledException)
        {
            return TurnEnding.Stopped;
        }
    }

    /// <summary>The run's data: those that were loaded while waiting, or now.</summary>
    public RunData Data(RunSpecification wanted) => _data?.GetAwaiter().GetResult() ?? Load(wanted);

    /// <summary>Leaves the cluster; another node's turn comes.</summary>
    public ValueTask DisposeAsync() => Node?.DisposeAsync() ?? ValueTask.CompletedTask;

    private RunData Load(RunSpecification wanted)
    {
        if (Node is not null) RunData.Fetch(wanted, _options.DataDirectory, _say);
        return RunData.Load(wanted, _options.DataDirectory, _say);
    }
}
