using Distributed.Numerics.OpenCl.Native;

namespace Distributed.Numerics.OpenCl;

/// <summary>An OpenCL device that is open: its context and its programs.</summary>
public sealed class OpenClDevice : IDevice
{
    private readonly nint _transfers;
    private readonly Lock _lock = new();

    private OpenClDevice(OpenClDeviceInfo info, string? cache, KernelTiles tiles)
    {
        Info = info;
        Context = OpenClCalls.CreateContext(info.Handle);
        _transfers = OpenClCalls.CreateQueue(Context, info.Handle);
        Programs = new ProgramCache(Context, info, cache ?? ProgramCache.UserFolder);
        Tiles = tiles;
    }

    /// <summary>What it is.</summary>
    public OpenClDeviceInfo Info { get; }

    /// <inheritdoc/>
    public string Name => Info.Name;

    /// <inheritdoc/>
    public string NumericsClass => Info.NumericsClass;

    internal nint Context { get; }

    internal ProgramCache Programs { get; }

    internal KernelTiles Tiles { get; }

    /// <summary>Opens a device.</summary>
    /// <param name="info">Which.</param>
    /// <param name="cache">Folder of compiled programs; null: in the user's cache.</param>
    /// <exception cref="DeviceException">Its driver does not open it.</exception>
    public static OpenClDevice Open(OpenClDeviceInfo info, string? cache = null) =>
        new(info, cache, KernelTiles.Of(info.Kind));

    /// <summary>Opens a device with the tiles of another kind.</summary>
    internal static OpenClDevice OpenAs(OpenClDeviceKind kind, OpenClDeviceInfo info) =>
        new(info, cache: null, KernelTiles.Of(kind));

    /// <inheritdoc/>
    public IDeviceParameters CreateParameters(int length) => new OpenClParameters(this, length);

    /// <inheritdoc/>
    public IDeviceQueue CreateQueue(DeviceLengths lengths, IDeviceParameters parameters) =>
        new OpenClQueue(this, lengths, (OpenClParameters)parameters);

    /// <summary>Closes it. Its queues and parameters must have been disposed.</summary>
    public void Dispose()
    {
        Programs.Dispose();
        _ = OpenClLibrary.ReleaseCommandQueue(_transfers);
        _ = OpenClLibrary.ReleaseContext(Context);
    }

    internal void Write<T>(nint buffer, ReadOnlySpan<T> from) where T : unmanaged
    {
        lock (_lock) OpenClCalls.Write(_transfers, buffer, from);
    }
}

/// <summary>A parameter block in an OpenCL device's memory.</summary>
internal sealed class OpenClParameters(OpenClDevice device, int length) : IDeviceParameters
{
    public nint Buffer { get; } = OpenClCalls.CreateBuffer(device.Context, Math.Max(1L, length) * sizeof(float));

    public void Upload(ReadOnlySpan<float> parameters)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(parameters.Length, length);
        device.Write(Buffer, parameters);
    }

    public void Dispose() => _ = OpenClLibrary.ReleaseMemory(Buffer);
}
