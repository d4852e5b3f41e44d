using Distributed.Execution;
using Distributed.Numerics;
using Distributed.Protocol;
using Distributed.Runtime;

namespace Distributed.Worker;

/// <summary>What the worker's command line and environment say.</summary>
internal sealed record WorkerOptions
{
    /// <summary>
    /// The environment variable with the run's token: never an argument, which every process list shows.
    /// </summary>
    public const string TokenVariable = "DISTRIBUTED_TOKEN";

    /// <summary>Where it joins: the coordinator, or with a cluster's engine any node that may coordinate.</summary>
    public required IReadOnlyList<string> Join { get; init; }

    /// <summary>The engine for many machines; null: the local one.</summary>
    public IClusterEngine? Engine { get; init; }

    public required string Token { get; init; }

    /// <summary>How its links are kept from others.</summary>
    public LinkSecurity Security { get; init; } = LinkSecurity.LoopbackOnly;

    /// <summary>What a coordinator may make this process read, hold or wait for.</summary>
    public ProtocolLimits Limits { get; init; } = ProtocolLimits.Default;

    public required int Threads { get; init; }

    /// <summary>What computes, as long as the process lives; null: the compute threads themselves.</summary>
    public IDevice? Device { get; init; }

    /// <summary>The class within which this worker's bits are equal to others'.</summary>
    public string NumericsClass => Device?.NumericsClass ?? RunSpecification.ThisNumericsClass;

    /// <summary>Where data sets are looked for, before what the coordinator says.</summary>
    public string? DataDirectory { get; init; }

    /// <summary>Whether the coordinator sends the data set, so that this host needs no files of it.</summary>
    public bool DataFromCoordinator { get; init; }

    /// <summary>How long to look for a coordinator that is gone; 0: not at all.</summary>
    public TimeSpan Rejoin { get; init; }

    /// <summary>Which of the coordinator's own processes this is; -1: started by someone else.</summary>
    public int LaunchId { get; init; } = -1;

    /// <summary>What the coordinator calls this worker.</summary>
    public string Name => IsLocal ? $"worker {LaunchId + 1}" : $"{Environment.MachineName}-{Environment.ProcessId}";

    /// <summary>What is told of this worker to those who watch it.</summary>
    public WorkerVitals Vitals { get; init; } = new(null, null);

    public bool IsLocal => LaunchId >= 0;
}
