using Distributed.Protocol;

namespace Distributed.Roles.Coordinator;

/// <summary>
/// One evaluation of a data part: parts of whole micro-batches are handed out one by one, lost ones again; each sample
/// is scored once. Losses are added along the canonical tree over micro-batches, so the score is the same bits for any
/// number of workers.
/// </summary>
internal sealed class EvaluationRound
{
    private const int MicroBatchesPerPart = 8;

    private readonly Queue<EvaluationPart> _open = new();
    private readonly double[] _losses;
    private readonly bool[] _done;
    private readonly int[] _predictions;
    private readonly int _microBatch;
    private int _remaining;
    private int _correct;
    private int _topFive;

    public EvaluationRound(long id, DataSplit split, ParameterVersion version, int samples, int microBatch)
    {
        Id = id;
        Split = split;
        Version = version;
        Samples = samples;
        _microBatch = microBatch;
        int leaves = (samples + microBatch - 1) / microBatch;
        _losses = new double[leaves];
        _done = new bool[leaves];
        _predictions = new int[samples];
        _remaining = samples;
        int length = MicroBatchesPerPart * microBatch;
        for (int first = 0; first < samples; first += length)
            _open.Enqueue(new EvaluationPart(first, Math.Min(length, samples - first)));
    }

    public long Id { get; }

    public DataSplit Split { get; }

    public ParameterVersion Version { get; }

    public int Samples { get; }

    public int Scored => Samples - _remaining;

    public bool IsComplete => _remaining == 0;

    /// <summary>The next part that nobody has and that is not scored.</summary>
    public bool TryNext(out EvaluationPart part)
    {
        while (_open.TryDequeue(out part))
        {
            if (!_done[part.First / _microBatch]) return true;
        }

        return false;
    }

    public void Return(EvaluationPart part) => _open.Enqueue(part);

    /// <summary>Micro-batches of a part.</summary>
    public int Leaves(EvaluationPart part) => (part.Count + _microBatch - 1) / _microBatch;

    /// <summary>Takes a part's scores in. False: it does not fit this round, or it was scored before.</summary>
    public bool Accept(EvaluationResult result, int correct)
    {
        EvaluationPart part = new(result.First, result.Count);
        int length = MicroBatchesPerPart * _microBatch;
        if (part.First < 0 || part.First >= Samples || part.First % length != 0) return false;
        if (part.Count != Math.Min(length, Samples - part.First)) return false;
        int leaf = part.First / _microBatch;
        if (result.Losses.Length != Leaves(part) || result.Predictions.Length != part.Count || _done[leaf])
            return false;
        result.Losses.CopyTo(_losses, leaf);
        Array.Fill(_done, true, leaf, result.Losses.Length);
        result.Predictions.CopyTo(_predictions, part.First);
        _correct += correct;
        _topFive += result.TopFive;
        _remaining -= part.Count;
        return true;
    }

    public EvaluationScore Score() =>
        new(Split, Samples, Sum(TreeNode.Root(_losses.Length)) / Samples, _correct, _predictions, _topFive);

    private double Sum(TreeNode node) => node.IsLeaf ? _losses[node.Start] : Sum(node.Left) + Sum(node.Right);
}
