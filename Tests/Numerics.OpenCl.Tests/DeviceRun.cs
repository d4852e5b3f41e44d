using Xunit;

namespace Distributed.Numerics.OpenCl.Tests;

/// <summary>A queue whose arena is filled by hand: every tensor lies behind the one before, with NaN between.</summary>
internal sealed class DeviceRun : IDisposable
{
    private const int Arena = 1 << 20, Gap = 16;

    private readonly IDeviceParameters _parameters;
    private int _end;

    public DeviceRun(int samples = 16, int classes = 10, OpenClDevice? device = null)
    {
        device ??= TestDevice.Device;
        _parameters = device.CreateParameters(Gap);
        Queue = device.CreateQueue(
            new DeviceLengths(Arena, Gap, Arena, samples, classes), _parameters);
        Queue.Input.Fill(float.NaN);
        Queue.UploadInput(Arena, default);
    }

    public IDeviceQueue Queue { get; }

    /// <summary>Numbers in -1..1, the same every time.</summary>
    public static float[] Random(int length, int stream = 0)
    {
        CounterRandom random = new(7, RandomPurpose.Test, stream);
        return [.. Enumerable.Range(0, length).Select(i => 2 * random.Uniform((uint)i) - 1)];
    }

    /// <summary>Copies values to the device; pixels may get a pitch, with NaN between them.</summary>
    public DeviceTensor Put(ReadOnlySpan<float> values, int channels = 0, int pitch = 0)
    {
        channels = channels == 0 ? Math.Max(1, values.Length) : channels;
        pitch = Math.Max(channels, pitch);
        int pixels = values.Length / channels;
        DeviceTensor tensor = Room(pixels * pitch);
        // What was uploaded before is copied from this memory, perhaps only now.
        Queue.Download(tensor, new float[1]);
        Queue.Input.Fill(float.NaN);
        for (int i = 0; i < pixels; i++) values.Slice(i * channels, channels).CopyTo(Queue.Input[(i * pitch)..]);
        Queue.UploadInput(pixels * pitch, tensor);
        return tensor;
    }

    /// <summary>Room for values, of NaN.</summary>
    public DeviceTensor Room(int length)
    {
        DeviceTensor tensor = new(DeviceBlock.Arena, _end);
        _end += (length + 2 * Gap - 1) / Gap * Gap;
        Assert.True(_end <= Arena, "the test's arena is too small");
        return tensor;
    }

    /// <summary>Copies pixels back; what lies between them must still be NaN.</summary>
    public float[] Get(DeviceTensor tensor, int length, int channels = 0, int pitch = 0)
    {
        channels = channels == 0 ? length : channels;
        pitch = Math.Max(channels, pitch);
        float[] wide = new float[length / channels * pitch], values = new float[length];
        Queue.Download(tensor, wide);
        for (int i = 0; i < wide.Length; i++)
        {
            if (i % pitch < channels) values[i / pitch * channels + i % pitch] = wide[i];
            else Assert.True(float.IsNaN(wide[i]), $"float {i} between pixels was overwritten with {wide[i]}");
        }

        return values;
    }

    /// <summary>
    /// Every element within the error that a sum of so many products of unit size may have.
    /// </summary>
    public static void AssertClose(IReadOnlyList<double> expected, float[] actual, int terms, string what)
    {
        Assert.Equal(expected.Count, actual.Length);
        double tolerance = 1e-6 + 1e-7 * terms;
        for (int i = 0; i < actual.Length; i++)
        {
            Assert.True(Math.Abs(expected[i] - actual[i]) <= tolerance,
                $"{what}: element {i} is {actual[i]}, expected {expected[i]}");
        }
    }

    public void Dispose()
    {
        Queue.Dispose();
        _parameters.Dispose();
    }
}
