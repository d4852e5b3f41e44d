using System.Runtime.InteropServices;
using Distributed.Numerics.OpenCl.Native;

namespace Distributed.Numerics.OpenCl;

/// <summary>
/// An in-order queue of an OpenCL device with its arena, its gradient block and the pinned memory that it exchanges
/// with the host. Two queues of a device compute beside each other, so that the copies of one overlap the kernels of
/// the other.
/// </summary>
internal sealed partial class OpenClQueue : IDeviceQueue
{
    private const int SampleFields = 4;

    private readonly OpenClDevice _device;
    private readonly OpenClParameters _parameters;
    private readonly Dictionary<KernelKey, OpenClKernel> _kernels = [];
    private readonly nint _arena, _gradient, _samples, _classWeights, _results;
    private readonly PinnedMemory _input, _sampleStaging, _staging;
    private readonly int _mostSamples, _classes;
    private nint _scratch;
    private long _scratchBytes;
    private bool _isWeighted;

    public OpenClQueue(OpenClDevice device, DeviceLengths lengths, OpenClParameters parameters)
    {
        _device = device;
        _parameters = parameters;
        _mostSamples = lengths.Samples;
        _classes = lengths.Classes;
        Handle = OpenClCalls.CreateQueue(device.Context, device.Info.Handle);
        _arena = Zeros(lengths.Arena);
        _gradient = Zeros(lengths.Gradient);
        _samples = Zeros(SampleFields * lengths.Samples);
        _classWeights = Zeros(lengths.Classes);
        _results = Zeros(2 * 2 * lengths.Samples);
        _input = new PinnedMemory(device.Context, Handle, lengths.Input);
        _sampleStaging = new PinnedMemory(device.Context, Handle, SampleFields * lengths.Samples);
        _staging = new PinnedMemory(
            device.Context, Handle, Math.Max(Math.Max(lengths.Gradient, 4 * lengths.Samples), lengths.Classes));
    }

    public nint Handle { get; }

    public KernelTiles Tiles => _device.Tiles;

    public Span<float> Input => _input.Span;

    public nint Buffer(DeviceBlock block) => block switch
    {
        DeviceBlock.Arena => _arena,
        DeviceBlock.Parameters => _parameters.Buffer,
        _ => _gradient,
    };

    public void UploadInput(int length, DeviceTensor to) =>
        _input.Upload(Handle, Buffer(to.Block), (long)to.Offset * sizeof(float), length);

    public void UploadSamples(
        ReadOnlySpan<int> labels, ReadOnlySpan<int> secondLabels, ReadOnlySpan<float> shares,
        ReadOnlySpan<int> indices)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(labels.Length, _mostSamples);
        Span<int> staged = MemoryMarshal.Cast<float, int>(_sampleStaging.Span);
        for (int i = 0; i < labels.Length; i++)
        {
            if ((uint)labels[i] >= (uint)_classes || (uint)secondLabels[i] >= (uint)_classes)
                throw new ArgumentException($"label {labels[i]} or {secondLabels[i]} is not in 0..{_classes - 1}");
        }

        labels.CopyTo(staged);
        secondLabels.CopyTo(staged[_mostSamples..]);
        MemoryMarshal.Cast<float, int>(shares).CopyTo(staged[(2 * _mostSamples)..]);
        indices.CopyTo(staged[(3 * _mostSamples)..]);
        _sampleStaging.Upload(Handle, _samples, 0, SampleFields * _mostSamples);
    }

    public void UseClassWeights(ReadOnlySpan<float> weights)
    {
        _isWeighted = !weights.IsEmpty;
        if (weights.IsEmpty) return;
        ArgumentOutOfRangeException.ThrowIfNotEqual(weights.Length, _classes);
        OpenClCalls.Write(Handle, _classWeights, weights);
    }

    public void Download(DeviceTensor from, Span<float> to)
    {
        long start = (long)from.Offset * sizeof(float);
        for (int at = 0; at < to.Length; at += _staging.Length)
        {
            Span<float> part = _staging.Span[..Math.Min(_staging.Length, to.Length - at)];
            OpenClCalls.Read(Handle, Buffer(from.Block), start + (long)at * sizeof(float), part);
            part.CopyTo(to[at..]);
        }
    }

    public void Loss(int samples, float labelSmoothing, DeviceTensor logits, DeviceTensor gradient) =>
        Kernel(new("SoftmaxCrossEntropy.cl", "loss", Flags: If(_isWeighted, KernelFlags.Weighted)))
            .Value(samples).Value(_classes).Value(_mostSamples).Value(labelSmoothing).Value(_samples)
            .Value(_classWeights).Tensor(logits).Tensor(gradient).Value(_results).Run(samples);

    public void ReadLosses(int samples, out double lossSum, out int correct)
    {
        Span<double> results = MemoryMarshal.Cast<float, double>(_staging.Span[..(4 * _mostSamples)]);
        OpenClCalls.Read(Handle, _results, 0, results);
        (lossSum, correct) = (0, 0);
        for (int i = 0; i < samples; i++)
        {
            lossSum += results[i];
            correct += (int)results[_mostSamples + i];
        }
    }

    public void Dispose()
    {
        OpenClCalls.Finish(Handle);
        foreach (OpenClKernel kernel in _kernels.Values) kernel.Dispose();
        foreach (PinnedMemory memory in (PinnedMemory[])[_input, _sampleStaging, _staging]) memory.Free(Handle);
        foreach (nint buffer in (nint[])[_arena, _gradient, _samples, _classWeights, _results, _scratch])
        {
            if (buffer != 0) _ = OpenClLibrary.ReleaseMemory(buffer);
        }

        _ = OpenClLibrary.ReleaseCommandQueue(Handle);
    }

    private static KernelFlags If(bool condition, KernelFlags flag) => condition ? flag : KernelFlags.None;

    private OpenClKernel Kernel(in KernelKey key)
    {
        if (!_kernels.TryGetValue(key, out OpenClKernel? kernel))
        {
            nint program = _device.Programs.Get(KernelSource.Files(key), KernelSource.Defines(key, Tiles));
            kernel = new OpenClKernel(this, OpenClCalls.CreateKernel(program, key.Name));
            _kernels.Add(key, kernel);
        }

        return kernel.Begin();
    }

    private nint Zeros(int length)
    {
        long bytes = Math.Max(1L, length) * sizeof(float);
        nint buffer = OpenClCalls.CreateBuffer(_device.Context, bytes);
        OpenClCalls.FillWithZeros(Handle, buffer, bytes);
        return buffer;
    }

    /// <summary>Memory that one operation needs while it runs; it grows with the first calls.</summary>
    private nint Scratch(long bytes)
    {
        if (bytes <= _scratchBytes) return _scratch;
        if (_scratch != 0)
        {
            OpenClCalls.Finish(Handle);
            _ = OpenClLibrary.ReleaseMemory(_scratch);
        }

        _scratch = OpenClCalls.CreateBuffer(_device.Context, bytes);
        _scratchBytes = bytes;
        return _scratch;
    }

    /// <summary>total[i] = sum of the pieces' values in scratch.</summary>
    private void Total(bool isDouble, int count, int pieces, nint partials, DeviceTensor total) =>
        Kernel(new("ColumnTotals.cl", "column_totals", Number: isDouble ? 1 : 0))
            .Value(count).Value(pieces).Value(partials).Tensor(total).Run(count);
}
