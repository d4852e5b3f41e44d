namespace Distributed.Numerics;

/// <summary>
/// Cross-entropy of softmax(logits) against (smoothed) labels, as torch's CrossEntropyLoss(reduction="sum"):
/// target = (1 - e) onehot + e / classes. Sums, never means.
/// </summary>
public static class SoftmaxCrossEntropy
{
    /// <summary>
    /// Loss, gradient of the summed loss by the logits (softmax - target; may be empty), argmax (first index; may be
    /// empty) and the number of samples whose argmax is their label. Throws ArgumentException for a label out of range.
    /// </summary>
    public static void Run(ReadOnlySpan<float> logits, int classes, ReadOnlySpan<int> labels, float labelSmoothing,
        Span<float> gradient, Span<int> predictions, out double lossSum, out int correct) =>
        Run(logits, classes, labels, [], [], labelSmoothing, gradient, predictions, out lossSum, out correct);

    /// <summary>
    /// The same of samples with two labels each, as mixup makes them (Zhang et al. 2018): onehot is
    /// w onehot(label) + (1 - w) onehot(second label), with the sample's weight w. A sample of weight 1 has the bits of
    /// one label; the heavier label is the one that counts as correct. Empty: no sample has a second label.
    /// </summary>
    public static void Run(ReadOnlySpan<float> logits, int classes, ReadOnlySpan<int> labels,
        ReadOnlySpan<int> secondLabels, ReadOnlySpan<float> weights, float labelSmoothing,
        Span<float> gradient, Span<int> predictions, out double lossSum, out int correct)
    {
        if (!weights.IsEmpty)
        {
            Check.Length(weights.Length, labels.Length, nameof(weights));
            Check.Length(secondLabels.Length, labels.Length, nameof(secondLabels));
        }
        ArgumentOutOfRangeException.ThrowIfLessThan(classes, 1);
        Check.Length(logits.Length, checked(labels.Length * classes), nameof(logits));
        if (!gradient.IsEmpty)
            Check.Length(gradient.Length, logits.Length, nameof(gradient));
        if (!predictions.IsEmpty)
            Check.Length(predictions.Length, labels.Length, nameof(predictions));
        lossSum = 0;
        correct = 0;
        for (int n = 0; n < labels.Length; n++)
        {
            if ((uint)labels[n] >= (uint)classes)
                throw new ArgumentException($"label {labels[n]} of sample {n} is not in 0..{classes - 1}",
                    nameof(labels));
            ReadOnlySpan<float> row = logits.Slice(n * classes, classes);
            Span<float> g = gradient.IsEmpty ? default : gradient.Slice(n * classes, classes);
            int best = ArgMax(row);
            float weight = weights.IsEmpty ? 1 : weights[n];
            int second = weight == 1 ? labels[n] : secondLabels[n];
            lossSum += Sample(row, row[best], labels[n], second, weight, labelSmoothing, g);
            if (best == (weight >= 0.5f ? labels[n] : second))
                correct++;
            if (!predictions.IsEmpty)
                predictions[n] = best;
        }
    }

    /// <summary>softmax of every row of <paramref name="classes"/> logits.</summary>
    public static void Probabilities(ReadOnlySpan<float> logits, int classes, Span<float> probabilities)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(classes, 1);
        Check.Length(logits.Length % classes, 0, "logits modulo classes");
        Check.Length(probabilities.Length, logits.Length, nameof(probabilities));
        for (int p = 0; p < logits.Length; p += classes)
        {
            ReadOnlySpan<float> row = logits.Slice(p, classes);
            Span<float> result = probabilities.Slice(p, classes);
            double sum = Exponentials(row, row[ArgMax(row)], result);
            for (int c = 0; c < classes; c++)
                result[c] = (float)(result[c] / sum);
        }
    }

    private static double Sample(ReadOnlySpan<float> row, float max, int label, int second, float weight,
        float smoothing, Span<float> gradient)
    {
        double sum = Exponentials(row, max, gradient);
        double logSum = ElementaryFunctions.Log(sum);
        double uniform = (double)smoothing / row.Length, first = weight, loss = 0;
        for (int c = 0; c < row.Length; c++)
        {
            double target = uniform + (c == label ? (1.0 - smoothing) * first : 0.0)
                + (c == second ? (1.0 - smoothing) * (1.0 - first) : 0.0);
            if (target != 0)
                loss += target * (logSum - ((double)row[c] - max));
            if (!gradient.IsEmpty)
                gradient[c] = (float)(gradient[c] / sum - target);
        }
        return loss;
    }

    private static double Exponentials(ReadOnlySpan<float> row, float max, Span<float> result)
    {
        double sum = 0;
        for (int c = 0; c < row.Length; c++)
        {
            float e = ElementaryFunctions.Exp(row[c] - max);
            sum += e;
            if (!result.IsEmpty)
                result[c] = e;
        }
        return sum;
    }

    private static int ArgMax(ReadOnlySpan<float> row)
    {
        int best = 0;
        for (int c = 1; c < row.Length; c++)
            if (row[c] > row[best] || (float.IsNaN(row[c]) && !float.IsNaN(row[best])))
                best = c;
        return best;
    }
}
