namespace Distributed.Numerics;

/// <summary>
/// An arena on a device and the operations on it, which run one after the other, in the order of the calls; a call
/// returns before its operation has run. An operation computes what the operation of that name of
/// <c>Distributed.Numerics</c> computes, within rounding: sums are taken in an order of the device's own, the same
/// every time. Shapes say at which pitches pixels lie. No member allocates on the managed heap once an operation of
/// that shape has run.
/// </summary>
public partial interface IDeviceQueue : IDisposable
{
    /// <summary>Memory that the device reads fast: the input of the next call is put together here.</summary>
    Span<float> Input { get; }

    /// <summary>Copies the first floats of <see cref="Input"/> to the device.</summary>
    void UploadInput(int length, DeviceTensor to);

    /// <summary>
    /// Copies what the call's samples are: labels, and as <see cref="SoftmaxCrossEntropy"/> says second labels and the
    /// first labels' shares; and the indices that random numbers are drawn by, or none.
    /// </summary>
    void UploadSamples(
        ReadOnlySpan<int> labels, ReadOnlySpan<int> secondLabels, ReadOnlySpan<float> shares,
        ReadOnlySpan<int> indices);

    /// <summary>Weights of the classes in <see cref="Loss"/>; empty: all the same.</summary>
    void UseClassWeights(ReadOnlySpan<float> weights);

    /// <summary>Copies floats back, when everything before has run.</summary>
    void Download(DeviceTensor from, Span<float> to);

    /// <summary>
    /// The softmax cross-entropy of the uploaded samples, and its gradient by the logits; see
    /// <see cref="ReadLosses"/>.
    /// </summary>
    void Loss(int samples, float labelSmoothing, DeviceTensor logits, DeviceTensor gradient);

    /// <summary>
    /// The last <see cref="Loss"/>, when it has run: its sum over the samples, in order, and how many were classified
    /// rightly.
    /// </summary>
    void ReadLosses(int samples, out double lossSum, out int correct);
}
