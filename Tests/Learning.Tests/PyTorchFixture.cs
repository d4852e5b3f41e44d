using System.Text.Json;

namespace Distributed.Learning.Tests;

/// <summary>A tensor's norm and evenly spaced values, as recorded.</summary>
internal sealed record Probe(double Norm, double[] Values);

/// <summary>What Scripts/make-learning-fixtures.py recorded, and the numbers that it made its tensors from.</summary>
internal static class PyTorchFixture
{
    public static readonly JsonElement Root = Read("pytorch.json");

    /// <summary>32 mixed bits for an index.</summary>
    public static uint Bits(int stream, int index)
    {
        var x = unchecked((uint)index * 2654435769u + (uint)stream * 668265263u);
        x ^= x >> 15;
        x *= 2246822519u;
        x ^= x >> 13;
        x *= 3266489917u;
        return x ^ (x >> 16);
    }

    /// <summary>fp32 numbers in [-scale, scale).</summary>
    public static float[] Numbers(int stream, int count, double scale)
    {
        var numbers = new float[count];
        for (var i = 0; i < count; i++)
            numbers[i] = (float)(((Bits(stream, i) >> 8) / 8388608.0 - 1.0) * scale);
        return numbers;
    }

    public static Probe Probe(JsonElement element) =>
        new(element.GetProperty("norm").GetDouble(), Doubles(element.GetProperty("values")));

    public static double[] Doubles(JsonElement element) =>
        [.. element.EnumerateArray().Select(value => value.GetDouble())];

    /// <summary>
    /// How far a tensor is from a recorded one: the largest difference of a recorded value or of the norm, relative to
    /// the recorded tensor's root mean square (for the norm, to itself).
    /// </summary>
    public static double Distance(Probe expected, ReadOnlySpan<float> actual)
    {
        var square = 0.0;
        foreach (var value in actual)
            square += (double)value * value;
        var distance = Math.Abs(Math.Sqrt(square) - expected.Norm) / expected.Norm;
        var rms = expected.Norm / Math.Sqrt(actual.Length);
        for (var i = 0; i < expected.Values.Length; i++)
        {
            var place = (int)((long)i * (actual.Length - 1) / (expected.Values.Length - 1));
            distance = Math.Max(distance, Math.Abs(actual[place] - expected.Values[i]) / rms);
        }
        return distance;
    }

    /// <summary>A recorded file.</summary>
    public static JsonElement Read(string file)
    {
        using var stream = typeof(PyTorchFixture).Assembly.GetManifestResourceStream(file)!;
        using var document = JsonDocument.Parse(stream);
        return document.RootElement.Clone();
    }
}
