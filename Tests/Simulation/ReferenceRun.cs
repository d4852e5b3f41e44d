using System.Runtime.InteropServices;
using Distributed.Protocol;
using Distributed.Roles.Coordinator;

namespace Distributed.Simulation;

/// <summary>The same run in a plain loop on one machine without faults: what every simulated one must equal.</summary>
internal sealed class ReferenceRun
{
    private readonly ToyProblem _problem;
    private readonly List<float[]> _parametersAfter = [];
    private readonly List<EpochRecord> _history = [];

    public ReferenceRun(ToyProblem problem)
    {
        _problem = problem;
        float[] parameters = ToyProblem.InitialParameters();
        float[] momentum = new float[parameters.Length];
        float[] average = (float[])parameters.Clone(), best = (float[])parameters.Clone();
        _parametersAfter.Add((float[])parameters.Clone());
        double bestAccuracy = double.NegativeInfinity, bestLoss = double.PositiveInfinity;
        for (int epoch = 0; epoch < problem.Epochs; epoch++)
        {
            double loss = 0;
            int correct = 0;
            for (int first = 0; first < problem.TrainingSamples; first += problem.Batch)
            {
                int samples = Math.Min(problem.Batch, problem.TrainingSamples - first);
                TreeNode root = TreeNode.Root((samples + problem.MicroBatch - 1) / problem.MicroBatch);
                (float[] gradient, NodeStatistics sums) = Sum(root, parameters, epoch, first, samples);
                int reductions = problem.Plateau?.Reductions(_history) ?? 0;
                ToyProblem.Step(parameters, momentum, average, gradient, samples, reductions);
                _parametersAfter.Add((float[])parameters.Clone());
                loss += sums.LossSum;
                correct += sums.Correct;
            }

            float[] evaluated = problem.EvaluatesAverage ? average : parameters;
            EvaluationScore? score = problem.ValidationSamples > 0
                ? Score(evaluated, DataSplit.Validation, problem.ValidationSamples) : null;
            _history.Add(new EpochRecord(
                epoch + 1, _parametersAfter.Count - 1, loss / problem.TrainingSamples,
                (double)correct / problem.TrainingSamples, score?.Loss ?? double.NaN, score?.Accuracy ?? double.NaN,
                problem.TrainingSamples, score?.TopFiveAccuracy ?? double.NaN));
            if (score is null || score.Accuracy > bestAccuracy
                || (score.Accuracy == bestAccuracy && score.Loss < bestLoss))
            {
                (bestAccuracy, bestLoss) = (score?.Accuracy ?? 0, score?.Loss ?? 0);
                best = (float[])evaluated.Clone();
                BestEpoch = epoch + 1;
            }

            if (problem.Patience > 0 && epoch + 1 - BestEpoch >= problem.Patience) break;
        }

        Best = best;
        Test = problem.TestSamples > 0 ? Score(best, DataSplit.Test, problem.TestSamples) : null;
    }

    public int BestEpoch { get; }

    public float[] Best { get; }

    public EvaluationScore? Test { get; }

    public IReadOnlyList<EpochRecord> History => _history;

    public int Steps => _parametersAfter.Count - 1;

    /// <summary>The parameters after so many steps.</summary>
    public float[] ParametersAfter(long steps) => _parametersAfter[(int)steps];

    public static bool SameBits(float[] left, float[] right) =>
        MemoryMarshal.Cast<float, int>(left).SequenceEqual(MemoryMarshal.Cast<float, int>(right));

    private (float[] Gradient, NodeStatistics Sums) Sum(
        TreeNode node, float[] parameters, int epoch, int first, int samples)
    {
        float[] gradient = new float[parameters.Length];
        if (node.IsLeaf)
        {
            int offset = node.Start * _problem.MicroBatch;
            int count = Math.Min(_problem.MicroBatch, samples - offset);
            return (gradient, ToyProblem.Gradient(parameters, epoch, first + offset, count, gradient));
        }

        int middle = Middle(node);
        (float[] left, NodeStatistics leftSums) =
            Sum(new TreeNode(node.Start, middle), parameters, epoch, first, samples);
        (float[] right, NodeStatistics rightSums) =
            Sum(new TreeNode(middle, node.End), parameters, epoch, first, samples);
        for (int i = 0; i < gradient.Length; i++) gradient[i] = left[i] + right[i];
        return (gradient, NodeStatistics.Merge(leftSums, rightSums));
    }

    private EvaluationScore Score(float[] parameters, DataSplit split, int samples)
    {
        int[] predictions = new int[samples];
        double[] losses = new double[(samples + _problem.MicroBatch - 1) / _problem.MicroBatch];
        for (int leaf = 0; leaf < losses.Length; leaf++)
        {
            int first = leaf * _problem.MicroBatch, count = Math.Min(_problem.MicroBatch, samples - first);
            losses[leaf] = ToyProblem.Evaluate(parameters, split, first, count, predictions.AsSpan(first, count));
        }

        int correct = Enumerable.Range(0, samples).Count(i => predictions[i] == ToyProblem.Label(split, i));
        return new EvaluationScore(
            split, samples, Sum(TreeNode.Root(losses.Length), losses) / samples, correct, predictions, samples);
    }

    private static double Sum(TreeNode node, double[] losses) => node.IsLeaf ? losses[node.Start]
        : Sum(new TreeNode(node.Start, Middle(node)), losses) + Sum(new TreeNode(Middle(node), node.End), losses);

    /// <summary>Where the canonical tree splits, told again so that a mistake in the product's shows.</summary>
    private static int Middle(TreeNode node)
    {
        int half = 1;
        while (2 * half < node.End - node.Start) half *= 2;
        return node.Start + half;
    }
}
