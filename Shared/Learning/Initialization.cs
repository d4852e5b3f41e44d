using System.Text.Json;
using Distributed.Numerics;

namespace Distributed.Learning;

/// <summary>
/// How a parameter starts. In JSON, of a convolution's or a linear layer's weight: <c>"initialization": "he"</c> (the
/// default), <c>"glorot"</c>, or a number for a constant.
/// </summary>
public readonly record struct Initialization
{
    private const string Field = "initialization";
    private readonly Distribution _distribution;
    private readonly float _value;

    private Initialization(Distribution distribution, float value) => (_distribution, _value) = (distribution, value);

    private enum Distribution
    {
        HeNormal,
        GlorotUniform,
        Constant,
    }

    /// <summary>Normal with variance 2 / fan-in (He et al. 2015): weights in front of a ReLU.</summary>
    public static Initialization He => default;

    /// <summary>Uniform within sqrt(6 / (fan-in + fan-out)) of 0 (Glorot and Bengio 2010).</summary>
    public static Initialization Glorot => new(Distribution.GlorotUniform, 0);

    /// <summary>The same value everywhere.</summary>
    public static Initialization Constant(float value) => new(Distribution.Constant, value);

    internal static Initialization Read(JsonFields fields)
    {
        if (!fields.Has(Field))
            return He;
        if (fields.IsNumber(Field))
        {
            var value = fields.Number(Field, 0);
            fields.Require(float.IsFinite((float)value), Field, $"within {float.MaxValue} of 0", value);
            return Constant((float)value);
        }
        return fields.Text(Field) switch
        {
            "he" => He,
            "glorot" => Glorot,
            var other => throw new ModelException(
                $"{fields.Where}: the field \"{Field}\" must be \"he\", \"glorot\" or a number, got \"{other}\"."),
        };
    }

    internal void Write(Utf8JsonWriter writer)
    {
        if (_distribution == Distribution.Constant)
            writer.WriteNumber(Field, _value);
        else if (_distribution == Distribution.GlorotUniform)
            writer.WriteString(Field, "glorot");
    }

    /// <summary>The starting values in PyTorch's order, where they aren't all the same.</summary>
    internal bool IsRandom => _distribution != Distribution.Constant;

    /// <summary>The value of a constant.</summary>
    internal float Value => _value;

    /// <summary>Fills a random parameter, in PyTorch's order.</summary>
    internal void Fill(CounterRandom random, int fanIn, int fanOut, Span<float> file)
    {
        var deviation = Math.Sqrt(2.0 / fanIn);
        var bound = Math.Sqrt(6.0 / ((double)fanIn + fanOut));
        for (var i = 0; i < file.Length; i++)
        {
            file[i] = (float)(_distribution == Distribution.HeNormal
                ? deviation * random.Normal((uint)i)
                : bound * (2 * random.UniformDouble((uint)i) - 1));
        }
    }
}
