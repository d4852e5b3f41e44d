namespace Distributed.Numerics;

/// <summary>How often the label is among the largest outputs.</summary>
public static class TopClasses
{
    /// <summary>
    /// Samples whose label is among the <paramref name="count"/> largest logits. NaN is larger than any number, and of
    /// equal ones the first counts as larger, so with a count of 1 it is the sample's argmax.
    /// </summary>
    public static int Count(ReadOnlySpan<float> logits, int classes, ReadOnlySpan<int> labels, int count)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(classes, 1);
        Check.Length(logits.Length, checked(labels.Length * classes), nameof(logits));
        int found = 0;
        for (int n = 0; n < labels.Length; n++)
        {
            ReadOnlySpan<float> row = logits.Slice(n * classes, classes);
            int label = labels[n], ahead = 0;
            for (int c = 0; c < classes && ahead < count; c++)
                ahead += c != label && IsAhead(row[c], row[label], c < label) ? 1 : 0;
            found += ahead < count ? 1 : 0;
        }
        return found;
    }

    private static bool IsAhead(float other, float own, bool isFirst)
    {
        if (float.IsNaN(own))
            return float.IsNaN(other) && isFirst;
        return float.IsNaN(other) || other > own || (other == own && isFirst);
    }
}
