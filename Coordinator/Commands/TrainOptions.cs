using Distributed.Execution;
using Distributed.Protocol;
using Distributed.Runtime;
using Microsoft.Extensions.Logging;

namespace Distributed.Coordinator;

/// <summary>
/// What <c>train</c> was asked to do, checked: the specification (all that can change a bit) and the settings outside
/// it.
/// </summary>
internal sealed record TrainOptions
{
    /// <summary>The run's specification; of its data, only what was asked for is filled in.</summary>
    public required RunSpecification Specification { get; init; }

    /// <summary>The folder that data files are in; null: the usual places.</summary>
    public string? DataDirectory { get; init; }

    /// <summary>Bytes of decoded images that may be kept; null: what the environment says, or the default.</summary>
    public long? CacheLimit { get; init; }

    /// <summary>Local worker processes; 0 only where <see cref="Listen"/> names an address.</summary>
    public required int Workers { get; init; }

    /// <summary>Compute threads of each local worker.</summary>
    public required int Threads { get; init; }

    /// <summary>What computes in each local worker, as its option says it; null: its threads.</summary>
    public string? Device { get; init; }

    /// <summary>Where to wait for other workers; null: there are none but the local ones.</summary>
    public HostAddress? Listen { get; init; }

    /// <summary>How links of other workers are kept from others.</summary>
    public LinkSecurity Security { get; init; } = LinkSecurity.LoopbackOnly;

    /// <summary>What a peer may make this process read, hold or wait for.</summary>
    public ProtocolLimits Limits { get; init; } = ProtocolLimits.Default;

    /// <summary>Workers without which no step is dealt.</summary>
    public int MinimumWorkers { get; init; } = 1;

    /// <summary>The run's name: its folder within <see cref="RunsFolder"/>.</summary>
    public required string Name { get; init; }

    /// <summary>The folder of all runs.</summary>
    public required string RunsFolder { get; init; }

    /// <summary>Whether to start anew and keep an old folder of this name beside it.</summary>
    public bool Fresh { get; init; }

    /// <summary>A checkpoint to take the first weights from; null: initialised from the seed.</summary>
    public string? Initial { get; init; }

    /// <summary>Epochs to add to a finished run; 0: none.</summary>
    public int MoreEpochs { get; init; }

    /// <summary>Steps between checkpoints; 0: by time and epoch only.</summary>
    public int CheckpointEverySteps { get; init; }

    /// <summary>Whether to write <c>trace.json</c>.</summary>
    public bool Trace { get; init; }

    /// <summary>Where health is told over HTTP; null: nowhere.</summary>
    public HostAddress? Health { get; init; }

    /// <summary>Where metrics and traces go; null: where the environment says, if anywhere.</summary>
    public string? Telemetry { get; init; }

    /// <summary>The engine for many machines; null: the local one.</summary>
    public IClusterEngine? Engine { get; init; }

    /// <summary>Every node that may coordinate, as HOST:PORT; empty: this one alone.</summary>
    public IReadOnlyList<string> SeedNodes { get; init; } = [];

    /// <summary>Whether this is one of the nodes that only take over.</summary>
    public bool StandsBy { get; init; }

    /// <summary>Whether another coordinator goes on where this one stops.</summary>
    public bool HasStandBys => SeedNodes.Count > 1;

    /// <summary>Certificates and words as they were given, for workers of this machine.</summary>
    public IReadOnlyList<string> SecurityOptions { get; init; } = [];

    /// <summary>The least severe log messages that are shown.</summary>
    public LogLevel LogLevel { get; init; } = LogLevel.Warning;
}
