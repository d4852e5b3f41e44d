using Distributed.Protocol;
using Distributed.Roles.Coordinator;

namespace Distributed.Simulation;

/// <summary>
/// A tiny training problem in real float arithmetic. Terms differ by orders of magnitude, so a sum in another order has
/// other bits, and each gradient depends on the parameters, so one wrong step changes every later one.
/// </summary>
internal sealed record ToyProblem(
    int TrainingSamples, int ValidationSamples, int TestSamples, int Batch, int MicroBatch, int Epochs, int Patience,
    bool EvaluatesAverage, PlateauRule? Plateau)
{
    private const int Parameters = 5;

    public int StepsPerEpoch => (TrainingSamples + Batch - 1) / Batch;

    public static float[] InitialParameters()
    {
        float[] parameters = new float[Parameters];
        for (int i = 0; i < Parameters; i++) parameters[i] = Value(7, 7, i, 7);
        return parameters;
    }

    /// <summary>The gradient sum over samples [first, first + count) of an epoch's order.</summary>
    public static NodeStatistics Gradient(float[] parameters, int epoch, int first, int count, float[] gradient)
    {
        Array.Clear(gradient);
        double loss = 0;
        int correct = 0;
        for (int sample = first; sample < first + count; sample++)
        {
            for (int i = 0; i < Parameters; i++)
            {
                float term = Value(epoch, sample, i, 0) * (1 + parameters[(i + 1) % Parameters]);
                gradient[i] += term;
                loss += Math.Abs(term);
            }

            correct += BitConverter.SingleToInt32Bits(gradient[0]) & 1;
        }

        return new NodeStatistics(count, loss, correct, 0);
    }

    /// <summary>
    /// The gradient sum over a node's samples [first, first + count), micro-batch by micro-batch along the tree.
    /// </summary>
    public NodeStatistics Gradient(
        float[] parameters, int epoch, TreeNode node, int first, int count, float[] gradient)
    {
        if (node.IsLeaf) return Gradient(parameters, epoch, first, count, gradient);
        int left = node.Left.Count * MicroBatch;
        float[] other = new float[gradient.Length];
        NodeStatistics leftSums = Gradient(parameters, epoch, node.Left, first, left, gradient);
        NodeStatistics rightSums = Gradient(parameters, epoch, node.Right, first + left, count - left, other);
        for (int i = 0; i < gradient.Length; i++) gradient[i] += other[i];
        return NodeStatistics.Merge(leftSums, rightSums);
    }

    /// <summary>
    /// A step with momentum, kept within bounds, at half the rate for each reduction; then the average moves.
    /// </summary>
    public static void Step(
        float[] parameters, float[] momentum, float[] average, float[] gradientSum, int samples, int reductions)
    {
        float rate = 0.1f;
        for (int i = 0; i < reductions; i++) rate /= 2;
        for (int i = 0; i < Parameters; i++)
        {
            momentum[i] = 0.9f * momentum[i] + gradientSum[i] / samples;
            parameters[i] = 0.99f * parameters[i] - rate * momentum[i] / (1 + Math.Abs(momentum[i]));
            average[i] += 0.2f * (parameters[i] - average[i]);
        }
    }

    /// <summary>
    /// Scores samples [first, first + count) of a split: the sum of their losses, and a prediction each.
    /// </summary>
    public static double Evaluate(float[] parameters, DataSplit split, int first, int count, Span<int> predictions)
    {
        double loss = 0;
        for (int n = 0; n < count; n++)
        {
            float output = 0;
            for (int i = 0; i < Parameters; i++) output += Value((int)split + 100, first + n, i, 1) * parameters[i];
            loss += Math.Abs(output);
            predictions[n] = output > 0 ? 1 : 0;
        }

        return loss;
    }

    public static int Label(DataSplit split, int sample) => (int)(Hash((int)split, sample, 0, 2) >> 9 & 1);

    private static float Value(int a, int b, int c, int purpose)
    {
        uint hash = Hash(a, b, c, purpose);
        float mantissa = (hash >> 8) * (1f / (1 << 23)) - 1f;
        return mantissa * (1 << (int)(hash & 7)) * 0.1f;
    }

    private static uint Hash(int a, int b, int c, int purpose)
    {
        ulong x = (ulong)(uint)a * 0x9E3779B97F4A7C15 + (ulong)(uint)b * 0xC2B2AE3D27D4EB4F
            + (ulong)(uint)c * 0x165667B19E3779F9 + (ulong)(uint)purpose * 0x27D4EB2F165667C5;
        x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9;
        x = (x ^ (x >> 27)) * 0x94D049BB133111EB;
        return (uint)(x >> 32);
    }
}
