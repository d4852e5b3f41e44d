namespace Distributed.Numerics;

/// <summary>
/// Cross-entropy with a weight for each class, as torch's CrossEntropyLoss(weight, reduction="sum"): with the smoothed
/// target t = (1 - e) onehot + e / classes a sample's loss is the sum over classes of weight t (-log softmax), so the
/// smoothed part of a class is weighted by that class. Torch's mean divides by the sum of the labels' weights.
/// </summary>
public static class WeightedCrossEntropy
{
    /// <summary>
    /// Loss, its gradient by the logits (softmax sum(weight t) - weight t), and samples whose argmax is their label.
    /// Throws ArgumentException for a label out of range.
    /// </summary>
    public static void Run(ReadOnlySpan<float> logits, ReadOnlySpan<float> classWeights, ReadOnlySpan<int> labels,
        float labelSmoothing, Span<float> gradient, out double lossSum, out int correct)
    {
        int classes = classWeights.Length;
        Check.Length(gradient.Length, logits.Length, nameof(gradient));
        // Checks the rest, and leaves softmax - target in the gradient.
        SoftmaxCrossEntropy.Run(logits, classes, labels, labelSmoothing, gradient, [], out _, out correct);
        lossSum = 0;
        for (int n = 0; n < labels.Length; n++)
            lossSum += Sample(logits.Slice(n * classes, classes), classWeights, labels[n], labelSmoothing,
                gradient.Slice(n * classes, classes));
    }

    private static double Sample(ReadOnlySpan<float> row, ReadOnlySpan<float> weights, int label, float smoothing,
        Span<float> gradient)
    {
        float max = row[0];
        for (int c = 1; c < row.Length; c++)
            max = row[c] > max || float.IsNaN(row[c]) ? row[c] : max;
        double sum = 0, all = 0, uniform = (double)smoothing / row.Length, loss = 0;
        for (int c = 0; c < row.Length; c++)
        {
            gradient[c] = ElementaryFunctions.Exp(row[c] - max);
            sum += gradient[c];
            all += weights[c] * (uniform + (c == label ? 1.0 - smoothing : 0.0));
        }
        double logSum = ElementaryFunctions.Log(sum);
        for (int c = 0; c < row.Length; c++)
        {
            double target = weights[c] * (uniform + (c == label ? 1.0 - smoothing : 0.0));
            if (target != 0)
                loss += target * (logSum - ((double)row[c] - max));
            gradient[c] = (float)(gradient[c] / sum * all - target);
        }
        return loss;
    }
}
