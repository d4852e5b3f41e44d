namespace Distributed.Numerics;

/// <summary>
/// A convolution whose channels form groups, each computed from the input channels of the same group alone (PyTorch's
/// Conv2d with groups), and its gradients: a <see cref="Convolution"/> a group, over slices of the channels. Weights
/// are those of the first group, HWIO, then those of the second, and so on. A norm is for a single group alone.
/// </summary>
/// <param name="forward">The shape of one group, with the pitches of the whole input and output.</param>
/// <param name="backwardData">The same with the pitches of both gradients.</param>
/// <param name="backwardWeights">The same with the pitches of the input and of the output's gradient.</param>
/// <param name="groups">How many groups; 1 is an ordinary convolution.</param>
/// <param name="mode">Which algorithms may be chosen.</param>
/// <param name="batch">Most samples of a call.</param>
public sealed class GroupedConvolution(
    ConvolutionShape forward, ConvolutionShape backwardData, ConvolutionShape backwardWeights, int groups,
    ConvolutionMode mode, int batch)
{
    private readonly Convolution _group = new(forward, backwardData, backwardWeights, mode, batch);
    private readonly int _inputs = forward.InChannels, _outputs = forward.OutChannels, _weights = forward.WeightLength;

    /// <inheritdoc cref="Convolution.ForwardPackedLength"/>
    public int ForwardPackedLength => checked(groups * _group.ForwardPackedLength);

    /// <inheritdoc cref="Convolution.BackwardPackedLength"/>
    public int BackwardPackedLength => checked(groups * _group.BackwardPackedLength);

    /// <inheritdoc cref="Convolution.ForwardScratchLength"/>
    public int ForwardScratchLength => _group.ForwardScratchLength;

    /// <inheritdoc cref="Convolution.BackwardDataScratchLength"/>
    public int BackwardDataScratchLength => _group.BackwardDataScratchLength;

    /// <inheritdoc cref="Convolution.BackwardWeightsScratchLength"/>
    public int BackwardWeightsScratchLength => _group.BackwardWeightsScratchLength;

    /// <summary>Brings weights into the form that <see cref="Forward"/> reads.</summary>
    public void PackForward(ReadOnlySpan<float> weights, Span<float> packed)
    {
        for (int g = 0; g < groups; g++)
            _group.PackForward(Part(weights, g, _weights), Part(packed, g, _group.ForwardPackedLength));
    }

    /// <summary>Brings weights into the form that <see cref="BackwardData"/> reads.</summary>
    public void PackBackward(ReadOnlySpan<float> weights, Span<float> packed)
    {
        for (int g = 0; g < groups; g++)
            _group.PackBackward(Part(weights, g, _weights), Part(packed, g, _group.BackwardPackedLength));
    }

    /// <inheritdoc cref="Convolution.Forward"/>
    public void Forward(int samples, ReadOnlySpan<float> input, ReadOnlySpan<float> packed, ReadOnlySpan<float> bias,
        Span<float> output, bool relu, Span<float> scratch, ReadOnlySpan<float> norm = default)
    {
        for (int g = 0; g < groups; g++)
            _group.Forward(samples, input[(g * _inputs)..], Operand(packed, g, _group.ForwardPackedLength),
                bias.IsEmpty ? bias : Part(bias, g, _outputs), output[(g * _outputs)..], relu, scratch, norm);
    }

    /// <inheritdoc cref="Convolution.BackwardData"/>
    public void BackwardData(int samples, ReadOnlySpan<float> outputGradient, ReadOnlySpan<float> packed,
        Span<float> inputGradient, Span<float> scratch, bool accumulate)
    {
        for (int g = 0; g < groups; g++)
            _group.BackwardData(samples, outputGradient[(g * _outputs)..],
                Operand(packed, g, _group.BackwardPackedLength), inputGradient[(g * _inputs)..], scratch, accumulate);
    }

    /// <summary>The gradient by the weights, summed over samples and overwritten.</summary>
    public void BackwardWeights(int samples, ReadOnlySpan<float> input, ReadOnlySpan<float> outputGradient,
        Span<float> weightGradient, Span<float> scratch, ReadOnlySpan<float> norm = default)
    {
        for (int g = 0; g < groups; g++)
            _group.BackwardWeights(samples, input[(g * _inputs)..], outputGradient[(g * _outputs)..],
                Part(weightGradient, g, _weights), scratch, norm);
    }

    /// <summary>A group's packed weights or, where none are packed, its weights.</summary>
    private ReadOnlySpan<float> Operand(ReadOnlySpan<float> packed, int group, int length) =>
        Part(packed, group, length == 0 ? _weights : length);

    private static ReadOnlySpan<float> Part(ReadOnlySpan<float> whole, int group, int length) =>
        whole.Slice(group * length, length);

    private static Span<float> Part(Span<float> whole, int group, int length) => whole.Slice(group * length, length);
}
