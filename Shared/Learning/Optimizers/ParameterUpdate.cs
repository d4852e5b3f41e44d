using Distributed.Numerics;

namespace Distributed.Learning;

/// <summary>How a step's mean gradient is bounded before the optimizer sees it; 0: not. At most one is set.</summary>
/// <param name="Norm">
/// Most that the norm over all parameters may be: a longer gradient is scaled by norm / (its norm + 1e-6), as
/// <c>torch.nn.utils.clip_grad_norm_</c>.
/// </param>
/// <param name="Value">Most that an element's magnitude may be, as <c>clip_grad_value_</c>.</param>
public readonly record struct GradientClip(double Norm, double Value);

/// <summary>
/// One step of a run on the blocks of a layout: clips the gradient, then steps the optimizer on ranges of parameters
/// that it treats alike. Holds no tensor. Allocates nothing in a step.
/// </summary>
public sealed class ParameterUpdate
{
    private readonly Optimizer _optimizer;
    private readonly GradientClip _clip;
    private readonly ParameterEntry[] _entries;
    private readonly Range[] _ranges;

    /// <summary>Prepares the ranges.</summary>
    /// <param name="optimizer">The rule.</param>
    /// <param name="layout">The blocks' layout.</param>
    /// <param name="clip">How gradients are bounded.</param>
    /// <param name="frozen">Parameters that stay as they are; null: none.</param>
    public ParameterUpdate(
        Optimizer optimizer, ParameterLayout layout, GradientClip clip = default, FrozenParameters? frozen = null)
    {
        _optimizer = optimizer;
        _clip = clip;
        frozen ??= FrozenParameters.None;
        _entries = [.. layout.Trainable.Where(entry => !frozen.Contains(entry.Name))];
        _ranges = [.. Ranges(layout)];
    }

    /// <summary>One step.</summary>
    /// <param name="number">The step, counted from 1.</param>
    /// <param name="gradientScale">What the sum is multiplied with to be the mean: 1 / samples.</param>
    /// <param name="learningRate">The schedule's rate of this step.</param>
    /// <param name="parameters">The parameter block, changed in place.</param>
    /// <param name="gradientSum">The block of the samples' summed gradients; overwritten with nothing of use.</param>
    /// <param name="states">The optimizer's state blocks, changed in place.</param>
    public void Step(
        long number, float gradientScale, double learningRate, Span<float> parameters, Span<float> gradientSum,
        ReadOnlySpan<NativeBuffer> states)
    {
        gradientScale = Clip(gradientSum, gradientScale);
        foreach (var range in _ranges)
        {
            var step = new OptimizerStep(
                range.Start, range.Length, range.Decays, number, gradientScale, learningRate);
            _optimizer.Step(step, parameters, gradientSum, states);
        }
    }

    /// <summary>Bounds the gradient; returns what is left to multiply it with.</summary>
    private float Clip(Span<float> gradientSum, float scale)
    {
        if (_clip.Value > 0)
        {
            foreach (var range in _ranges)
                Elementwise.ScaleAndClip(gradientSum.Slice(range.Start, range.Length), scale, (float)_clip.Value);
            return 1;
        }
        if (_clip.Norm > 0)
        {
            var norm = Math.Sqrt(SumOfSquares(gradientSum)) * scale;
            var factor = _clip.Norm / (norm + 1e-6);
            if (factor < 1)
                return (float)(scale * factor);
        }
        return scale;
    }

    /// <summary>Tensor by tensor, so that it doesn't depend on where they lie.</summary>
    private double SumOfSquares(ReadOnlySpan<float> block)
    {
        var sum = 0.0;
        foreach (var entry in _entries)
            sum += SquareSum.Run(block.Slice(entry.Offset, entry.Length));
        return sum;
    }

    /// <summary>
    /// One range a tensor where norms matter, else neighbours treated alike in one, padding included.
    /// </summary>
    private IEnumerable<Range> Ranges(ParameterLayout layout)
    {
        Range? open = null;
        var index = 0;
        foreach (var entry in _entries)
        {
            var decays = !IsExcluded(layout, entry);
            if (_optimizer.IsPerTensor)
            {
                yield return new Range(entry.Offset, entry.Length, decays);
                continue;
            }
            if (open is { } before && before.Decays == decays && index == entry.Index)
            {
                open = before with { Length = entry.Offset + entry.Length - before.Start };
                index++;
                continue;
            }
            if (open is { } done)
                yield return done;
            open = new Range(entry.Offset, entry.Length, decays);
            index = entry.Index + 1;
        }
        if (open is { } last)
            yield return last;
    }

    private bool IsExcluded(ParameterLayout layout, ParameterEntry entry)
    {
        // A vector called weight scales a norm's output; the bias beside it shifts it.
        var isBias = entry.Name.EndsWith(".bias", StringComparison.Ordinal);
        var scale = isBias ? layout.Find($"{entry.Name[..^".bias".Length]}.weight") : entry;
        var isNorm = scale is { Shape.Count: 1 };
        return (isBias && _optimizer.DecayExclude.HasFlag(DecayExclusion.Bias))
            || (isNorm && _optimizer.DecayExclude.HasFlag(DecayExclusion.Norm));
    }

    private readonly record struct Range(int Start, int Length, bool Decays);
}
