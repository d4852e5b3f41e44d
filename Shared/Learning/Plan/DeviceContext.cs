using Distributed.Numerics;

namespace Distributed.Learning;

/// <summary>One run of a plan's steps on a device: its queue, and where each buffer lies in its arena.</summary>
internal readonly ref struct DeviceContext(
    IDeviceQueue queue, ReadOnlySpan<int> offsets, int samples, bool training, SampleKeys keys)
{
    private readonly ReadOnlySpan<int> _offsets = offsets;

    /// <summary>What runs the operations.</summary>
    public IDeviceQueue Queue { get; } = queue;

    public int Samples { get; } = samples;

    /// <inheritdoc cref="StepContext.Training"/>
    public bool Training { get; } = training;

    /// <inheritdoc cref="StepContext.Keys"/>
    public SampleKeys Keys { get; } = keys;

    public DeviceTensor At(PlanBuffer buffer) => new(DeviceBlock.Arena, _offsets[buffer.Index] + buffer.Start);

    public DeviceTensor Parameter(ParameterEntry entry) => new(DeviceBlock.Parameters, entry.Offset);

    public DeviceTensor Gradient(ParameterEntry entry) => new(DeviceBlock.Gradient, entry.Offset);

    public DeviceTensor Statistics(BatchStatistics statistics) => new(DeviceBlock.Gradient, statistics.Offset);
}
