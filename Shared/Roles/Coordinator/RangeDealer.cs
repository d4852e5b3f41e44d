using Distributed.Protocol;

namespace Distributed.Roles.Coordinator;

/// <summary>How fast a worker is known to be.</summary>
/// <param name="Threads">Micro-batches it computes at a time.</param>
/// <param name="MicroBatchSeconds">Time of one micro-batch on one of its threads.</param>
public readonly record struct WorkerSpeed(int Threads, double MicroBatchSeconds);

/// <summary>
/// Cuts the micro-batches of a step into one contiguous range a worker, so that the slowest ends as early as possible,
/// counting what each extra node of the reduction tree costs. Cuts therefore fall on aligned boundaries of the tree
/// unless the imbalance costs more. Nothing of it can change a bit of the result.
/// </summary>
public static class RangeDealer
{
    private const int MaximumPositions = 64;

    /// <summary>
    /// Returns the cuts: worker i gets [cuts[i], cuts[i + 1]) of the micro-batches [start, end) of a tree of
    /// <paramref name="microBatches"/> leaves. Ranges may be empty. <paramref name="nodeSeconds"/> is the cost of one
    /// node.
    /// </summary>
    public static int[] Deal(
        int start, int end, int microBatches, IReadOnlyList<WorkerSpeed> speeds, double nodeSeconds)
    {
        ArgumentOutOfRangeException.ThrowIfZero(speeds.Count);
        int[] positions = Positions(start, end, Math.Max(MaximumPositions, 4 * speeds.Count));
        int count = positions.Length;
        int[,] nodes = FrontierSizes(positions, microBatches);
        double[] best = new double[count];
        Array.Fill(best, double.PositiveInfinity);
        best[0] = 0;
        int[][] choices = new int[speeds.Count][];
        for (int worker = 0; worker < speeds.Count; worker++)
        {
            double[] next = new double[count];
            Array.Fill(next, double.PositiveInfinity);
            choices[worker] = new int[count];
            for (int to = 0; to < count; to++)
            {
                for (int from = 0; from <= to; from++)
                {
                    if (double.IsPositiveInfinity(best[from])) continue;
                    int range = positions[to] - positions[from];
                    double time = Math.Max(best[from], Cost(range, nodes[from, to], speeds[worker], nodeSeconds));
                    if (time >= next[to]) continue;
                    next[to] = time;
                    choices[worker][to] = from;
                }
            }

            best = next;
        }

        return Cuts(positions, choices);
    }

    private static int[] Cuts(int[] positions, int[][] choices)
    {
        int[] cuts = new int[choices.Length + 1];
        int at = positions.Length - 1;
        for (int worker = choices.Length; worker >= 0; worker--)
        {
            cuts[worker] = positions[at];
            if (worker > 0) at = choices[worker - 1][at];
        }

        return cuts;
    }

    /// <summary>The boundaries at which a range may be cut: all of them, or for long ranges the aligned ones.</summary>
    private static int[] Positions(int start, int end, int most)
    {
        int step = 1;
        while ((end - start) / step > most) step *= 2;
        List<int> positions = [start];
        for (int at = (start / step + 1) * step; at < end; at += step) positions.Add(at);
        if (end > start) positions.Add(end);
        return [.. positions];
    }

    /// <summary>Nodes of the frontier of each range from one position to another.</summary>
    private static int[,] FrontierSizes(int[] positions, int microBatches)
    {
        int[,] sizes = new int[positions.Length, positions.Length];
        Span<TreeNode> nodes = stackalloc TreeNode[TreeNode.FrontierLimit];
        for (int from = 0; from < positions.Length; from++)
        {
            for (int to = from + 1; to < positions.Length; to++)
                sizes[from, to] = TreeNode.Frontier(positions[from], positions[to], microBatches, nodes);
        }

        return sizes;
    }

    private static double Cost(int microBatches, int nodes, WorkerSpeed speed, double nodeSeconds)
    {
        if (microBatches == 0) return 0;
        int rounds = (microBatches + speed.Threads - 1) / speed.Threads;
        return rounds * speed.MicroBatchSeconds + nodes * nodeSeconds;
    }
}
