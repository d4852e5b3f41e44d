using System.Globalization;
using Distributed.Data;
using Distributed.Protocol;

namespace Distributed.Execution;

/// <summary>
/// What a sample of each class counts: in a specification "balanced", or a number a class separated by commas. A step's
/// gradient is the weighted sum over its samples, divided by the sum of their weights, as torch's weighted mean.
/// Validation and test are not weighted.
/// </summary>
public static class ClassWeighting
{
    /// <summary>Every class counts the same in all: weight = samples / (classes * samples of the class).</summary>
    public const string Balanced = "balanced";

    /// <summary>The numbers of a text that names one a class; null where it is no such text.</summary>
    public static float[]? Numbers(string text)
    {
        string[] parts = text.Split(',');
        float[] weights = new float[parts.Length];
        for (int i = 0; i < parts.Length; i++)
        {
            bool isNumber = float.TryParse(parts[i], NumberStyles.Float, CultureInfo.InvariantCulture, out weights[i]);
            if (!isNumber || !float.IsFinite(weights[i]) || weights[i] < 0) return null;
        }

        return weights.Any(weight => weight > 0) ? weights : null;
    }

    /// <summary>A weight a class for a run's data; null where the specification has none.</summary>
    /// <exception cref="SpecificationException">There are not as many weights as classes.</exception>
    public static float[]? Of(RunSpecification specification, RunData data)
    {
        if (specification.ClassWeights.Length == 0) return null;
        int classes = data.Dataset.ClassNames.Count;
        if (specification.ClassWeights == Balanced) return BalancedWeights(data, classes);
        float[] weights = Numbers(specification.ClassWeights)
            ?? throw new SpecificationException($"\"{specification.ClassWeights}\" is no list of class weights.");
        return weights.Length == classes ? weights : throw new SpecificationException(
            $"There are {weights.Length} class weights and {data.Dataset.Name} has {classes} classes: "
            + "give one a class.");
    }

    private static float[] BalancedWeights(RunData data, int classes)
    {
        int[] counts = new int[classes];
        foreach (int sample in data.Training) counts[data.Dataset.Train.Label(sample)]++;
        return [.. counts.Select(count => count == 0 ? 0 : (float)(data.Training.Length / ((double)classes * count)))];
    }
}

/// <summary>
/// The sum of the weights of a step's samples: what its gradient sum is divided by. A function of the step alone; the
/// weights are added in the order of the epoch.
/// </summary>
public sealed class StepWeights
{
    private readonly RunSpecification _specification;
    private readonly RunData _data;
    private readonly float[] _weights;
    private readonly int[] _order;
    private int _epoch = -1;

    private StepWeights(RunSpecification specification, RunData data, float[] weights)
    {
        (_specification, _data, _weights) = (specification, data, weights);
        _order = new int[data.Count(DataSplit.Training)];
    }

    /// <summary>For a run; null where its classes are not weighted.</summary>
    /// <exception cref="SpecificationException">There are not as many weights as classes.</exception>
    public static StepWeights? For(RunSpecification specification, RunData data) =>
        ClassWeighting.Of(specification, data) is { } weights ? new StepWeights(specification, data, weights) : null;

    /// <summary>The sum for a step, counted from 1.</summary>
    public double Of(long step)
    {
        (long epoch, long inEpoch) = Math.DivRem(step - 1, (long)_specification.StepsPerEpoch);
        if (_epoch != epoch)
        {
            _epoch = (int)epoch;
            EpochShuffle.Permute(_specification.Seed, _epoch, _data.Training, _order);
        }

        int first = (int)inEpoch * _specification.Batch;
        int count = Math.Min(_specification.Batch, _order.Length - first);
        double sum = 0;
        foreach (int sample in _order.AsSpan(first, count)) sum += _weights[_data.Dataset.Train.Label(sample)];
        return sum;
    }
}
