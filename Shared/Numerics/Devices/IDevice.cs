namespace Distributed.Numerics;

/// <summary>
/// A device can't be had or can't do what it is asked for. The message is one sentence for a person.
/// </summary>
public sealed class DeviceException(string message) : Exception(message);

/// <summary>The blocks of memory that operations on a device work on.</summary>
public enum DeviceBlock
{
    /// <summary>A queue's own activations, their gradients and scratch.</summary>
    Arena,

    /// <summary>The parameters, which all queues of the device share.</summary>
    Parameters,

    /// <summary>A queue's own gradient block.</summary>
    Gradient,
}

/// <summary>Where a tensor lies on a device: a block, and its first float there.</summary>
public readonly record struct DeviceTensor(DeviceBlock Block, int Offset);

/// <summary>What a queue has room for.</summary>
/// <param name="Arena">Floats of its arena.</param>
/// <param name="Gradient">Floats of its gradient block.</param>
/// <param name="Input">Floats of the input that is staged at once.</param>
/// <param name="Samples">Most samples of a call.</param>
/// <param name="Classes">Outputs a sample.</param>
public readonly record struct DeviceLengths(int Arena, int Gradient, int Input, int Samples, int Classes);

/// <summary>
/// A processor with memory of its own, for instance a GPU. Its members may be called on any thread; each of its queues
/// belongs to one at a time.
/// </summary>
public interface IDevice : IDisposable
{
    /// <summary>Its name, for people.</summary>
    string Name { get; }

    /// <summary>The numerics class: within it bits are equal, so it names the device and its driver.</summary>
    string NumericsClass { get; }

    /// <summary>Allocates a parameter block.</summary>
    /// <param name="length">Its floats.</param>
    /// <exception cref="DeviceException">The device has too little memory.</exception>
    IDeviceParameters CreateParameters(int length);

    /// <summary>Allocates a queue's memory.</summary>
    /// <param name="lengths">How much.</param>
    /// <param name="parameters">This device's block that its operations read.</param>
    /// <exception cref="DeviceException">The device has too little memory.</exception>
    IDeviceQueue CreateQueue(DeviceLengths lengths, IDeviceParameters parameters);
}

/// <summary>A parameter block in a device's memory.</summary>
public interface IDeviceParameters : IDisposable
{
    /// <summary>Overwrites all of it, and returns when that is done. No queue may compute meanwhile.</summary>
    void Upload(ReadOnlySpan<float> parameters);
}
