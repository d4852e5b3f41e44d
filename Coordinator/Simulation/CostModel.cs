namespace Distributed.Coordinator;

/// <summary>A network between workers and the parameter server.</summary>
/// <param name="BytesPerSecond">Of every host's link, each way; the server's is shared by all workers.</param>
/// <param name="LatencySeconds">One way.</param>
internal sealed record NetworkCost(double BytesPerSecond, double LatencySeconds);

/// <summary>Workers that are slow now and then.</summary>
/// <param name="Share">In each step each worker is slow with this probability.</param>
/// <param name="Factor">Its compute then takes so many times as long.</param>
internal sealed record StragglerCost(double Share, double Factor);

/// <summary>What each part of a step costs. Seconds are of one thread that computes alone.</summary>
internal sealed record CostModel
{
    /// <summary>Seconds of a pass over 1, 2, 4 ... micro-batches of a node, forward and backward; as many as a pass
    /// takes at most.</summary>
    public required IReadOnlyList<double> PassSeconds { get; init; }

    /// <summary>Seconds to prepare new parameters for compute, all parts together.</summary>
    public double PrepareSeconds { get; init; }

    /// <summary>Seconds to add one gradient to another.</summary>
    public double AddSeconds { get; init; }

    /// <summary>Seconds of the optimizer's step.</summary>
    public double OptimizerSeconds { get; init; }

    /// <summary>Seconds to copy the parameters for a publication.</summary>
    public double CopySeconds { get; init; }

    /// <summary>Seconds until one thread is awake with what another has sent it over a link of this machine.</summary>
    public double HandOverSeconds { get; init; }

    /// <summary>Seconds that a message takes of its sender's thread.</summary>
    public double MessageSeconds { get; init; }

    /// <summary>Bytes of a gradient.</summary>
    public long GradientBytes { get; init; }

    /// <summary>Bytes of the parameters.</summary>
    public long ParameterBytes { get; init; }

    /// <summary>How much longer compute takes while 1, 2, 3 ... threads of a host compute.</summary>
    public IReadOnlyList<double> Slowdown { get; init; } = [1];

    /// <summary>Cores of a host.</summary>
    public int Cores { get; init; } = 1;

    /// <summary>Compute threads of a worker.</summary>
    public int Threads { get; init; } = 1;

    /// <summary>What is between workers and server; null: all are on one host, share its cores, and exchange tensors in
    /// its memory.</summary>
    public NetworkCost? Network { get; init; }

    /// <summary>Workers that are slow now and then; null: none.</summary>
    public StragglerCost? Stragglers { get; init; }

    /// <summary>Most micro-batches of a pass.</summary>
    public int LeavesPerPass => 1 << (PassSeconds.Count - 1);

    /// <summary>Seconds of a pass over so many micro-batches; between two powers of two by a straight line.</summary>
    public double Pass(int leaves)
    {
        int lower = Math.Min(int.Log2(leaves), PassSeconds.Count - 1), least = 1 << lower;
        if (leaves == least || lower == PassSeconds.Count - 1) return PassSeconds[lower] * leaves / least;
        return PassSeconds[lower] + (PassSeconds[lower + 1] - PassSeconds[lower]) * (leaves - least) / least;
    }
}
