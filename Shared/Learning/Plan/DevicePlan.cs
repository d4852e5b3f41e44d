using Distributed.Numerics;

namespace Distributed.Learning;

/// <summary>
/// A plan on a device: its parameters there, and the workspaces that read them. A workspace is a queue of its own, so
/// that of two the one copies while the other computes.
/// </summary>
public sealed class DevicePlan : IDisposable
{
    private readonly ExecutionPlan _plan;
    private readonly IDevice _device;
    private readonly IDeviceParameters _parameters;

    /// <summary>Allocates the parameters.</summary>
    /// <param name="plan">A plan compiled for <see cref="PlanTarget.Device"/>.</param>
    /// <param name="device">What runs it; stays the caller's to dispose, after this and its workspaces.</param>
    /// <exception cref="DeviceException">The device has too little memory.</exception>
    public DevicePlan(ExecutionPlan plan, IDevice device)
    {
        if (plan.Target != PlanTarget.Device)
            throw new ArgumentException("The plan was compiled for the host.", nameof(plan));
        (_plan, _device) = (plan, device);
        _parameters = device.CreateParameters(plan.Parameters.Length);
    }

    /// <summary>Takes other parameters into use; no workspace may compute.</summary>
    public void Prepare(ReadOnlySpan<float> parameters) => _parameters.Upload(parameters);

    /// <summary>A queue's arena, for training and evaluation.</summary>
    /// <exception cref="DeviceException">The device has too little memory.</exception>
    public Workspace CreateWorkspace()
    {
        var input = _plan.Input.Values.Length(_plan.MicroBatch);
        return new DeviceWorkspace(_plan, _device.CreateQueue(
            new DeviceLengths(
                _plan.TrainingPlacement.Length, _plan.Parameters.GradientLength, input, _plan.MicroBatch,
                _plan.Model.Classes),
            _parameters));
    }

    /// <summary>Frees the parameters.</summary>
    public void Dispose() => _parameters.Dispose();
}
