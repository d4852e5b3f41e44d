using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Distributed.Numerics;

namespace Distributed.Data;

/// <summary>
/// Draws one digit at a time. Strokes are splines of Catmull and Rom, bent by a coarse random grid, mapped by a random
/// affine map and cut into short straight pieces; a pixel's ink is how far the nearest piece's edge covers it. Float
/// additions, multiplications, divisions and square roots alone, in one order a pixel, so the same bytes everywhere.
/// Compiled with full optimisation at once, because it runs once, before the first training step.
/// </summary>
internal sealed class DigitCanvas
{
    private const int Size = Digits.Size;
    private const int Pieces = 4;

    /// <summary>Pixels are done in eights from multiples of eight on; a row of distances is four of them.</summary>
    private const int Lanes = 8;
    private const int Stride = (Size + Lanes - 1) / Lanes * Lanes;
    private const int Grid = 4;
    private const float Far = 1e9f;

    /// <summary>A knot moves a point by so much, in parts of the digit's box, times 16 signed random bits.</summary>
    private const float BendStep = 0.11f / (1 << 15);

    /// <summary>
    /// Which element of a sample's random numbers serves what; element 0 is the label. Grain takes 64 bits and Bend
    /// 32 for each knot of the grid; they are drawn in 64s, so they start at even elements.
    /// </summary>
    private enum Draws : uint
    {
        Way = 1, Rotation, Shear, Width, Height, Left, Top, Radius, Ink, Noise, Grain = 16, Bend = 32,
    }

    /// <summary>The squared distance from each pixel's centre to the nearest piece.</summary>
    private readonly float[] _distances = new float[Size * Stride];
    private readonly float[] _bendX = new float[Grid * Grid];
    private readonly float[] _bendY = new float[Grid * Grid];

    private float _xx, _xy, _yx, _yy, _left, _top, _radius;

    public void Draw(int digit, in CounterRandom random, Span<byte> pixels)
    {
        _distances.AsSpan().Fill(Far);
        Distort(random);
        (sbyte X, sbyte Y)[][][] ways = DigitStrokes.Of[digit];
        foreach ((sbyte X, sbyte Y)[] stroke in ways[random.Integer((uint)Draws.Way, ways.Length)])
        {
            DrawStroke(stroke);
        }

        Ink(random, pixels);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Distort(in CounterRandom random)
    {
        float angle = Between(random, Draws.Rotation, -0.30f, 0.30f);
        float cosine = ElementaryFunctions.Cos(angle), sine = ElementaryFunctions.Sin(angle);
        float shear = Between(random, Draws.Shear, -0.15f, 0.45f);
        float width = Between(random, Draws.Width, 9f, 15f), height = Between(random, Draws.Height, 15f, 21f);

        // Scale, then shear to the right with height, then rotate.
        _xx = cosine * width;
        _xy = height * ((-shear * cosine) - sine);
        _yx = sine * width;
        _yy = height * ((-shear * sine) + cosine);
        const float Middle = (Size - 1) / 2f;
        _left = Middle + Between(random, Draws.Left, -2.5f, 2.5f);
        _top = Middle + Between(random, Draws.Top, -2.5f, 2.5f);
        _radius = Between(random, Draws.Radius, 0.6f, 1.7f);
        for (uint knot = 0; knot < Grid * Grid; knot += 2)
        {
            ulong bits = random.UInt64(((uint)Draws.Bend + knot) / 2);
            _bendX[knot] = (short)bits * BendStep;
            _bendY[knot] = (short)(bits >> 16) * BendStep;
            _bendX[knot + 1] = (short)(bits >> 32) * BendStep;
            _bendY[knot + 1] = (short)(bits >> 48) * BendStep;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void DrawStroke((sbyte X, sbyte Y)[] stroke)
    {
        (float x, float y) before = Place(stroke[0]), from = before;
        for (int index = 1; index < stroke.Length; index++)
        {
            (float x, float y) to = Place(stroke[index]);
            (float x, float y) after = index + 1 < stroke.Length ? Place(stroke[index + 1]) : to;
            (float x, float y) last = from;
            for (int piece = 1; piece <= Pieces; piece++)
            {
                float t = (float)piece / Pieces;
                (float x, float y) next =
                    (Spline(before.x, from.x, to.x, after.x, t), Spline(before.y, from.y, to.y, after.y, t));
                DrawPiece(last.x, last.y, next.x, next.y);
                last = next;
            }

            (before, from) = (from, to);
        }
    }

    /// <summary>Catmull and Rom's cubic from b (t = 0) to c (t = 1), tangents (c - a) / 2 and (d - b) / 2.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float Spline(float a, float b, float c, float d, float t) =>
        b + (0.5f * t * (c - a + (t * ((2 * a) - (5 * b) + (4 * c) - d + (t * ((3 * (b - c)) + d - a))))));

    /// <summary>From percent of the digit's box to pixels: bend, then the affine map.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private (float X, float Y) Place((sbyte X, sbyte Y) point)
    {
        float u = point.X / 100f, v = point.Y / 100f;
        float gridX = u * (Grid - 1), gridY = v * (Grid - 1);
        int column = Math.Min((int)gridX, Grid - 2), row = Math.Min((int)gridY, Grid - 2);
        float right = gridX - column, down = gridY - row;
        int knot = (row * Grid) + column;
        u += Bend(_bendX, knot, right, down) - 0.5f;
        v += Bend(_bendY, knot, right, down) - 0.5f;
        return (_left + (_xx * u) + (_xy * v), _top + (_yx * u) + (_yy * v));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float Bend(float[] grid, int knot, float right, float down)
    {
        float upper = grid[knot] + (right * (grid[knot + 1] - grid[knot]));
        float lower = grid[knot + Grid] + (right * (grid[knot + Grid + 1] - grid[knot + Grid]));
        return upper + (down * (lower - upper));
    }

    /// <summary>Lowers the distances of the pixels that a straight piece reaches, eight in a row at a time.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void DrawPiece(float fromX, float fromY, float toX, float toY)
    {
        float reach = _radius + 0.5f;
        int firstX = Math.Max(0, (int)(Math.Min(fromX, toX) - reach + 1));
        int lastX = Math.Min(Size - 1, (int)(Math.Max(fromX, toX) + reach));
        int firstY = Math.Max(0, (int)(Math.Min(fromY, toY) - reach + 1));
        int lastY = Math.Min(Size - 1, (int)(Math.Max(fromY, toY) + reach));
        float alongX = toX - fromX, alongY = toY - fromY;
        float length = (alongX * alongX) + (alongY * alongY);
        float inverse = length > 0 ? 1 / length : 0;
        for (int y = firstY; y <= lastY; y++)
        {
            Vector256<float> offsetY = Vector256.Create(y - fromY);
            for (int x = firstX / Lanes * Lanes; x <= lastX; x += Lanes)
            {
                Vector256<float> offsetX = Vector256.Create(x - fromX) + Vector256.Create(0f, 1, 2, 3, 4, 5, 6, 7);
                Vector256<float> along = Clamp(((offsetX * alongX) + (offsetY * alongY)) * inverse);
                Vector256<float> acrossX = offsetX - (along * alongX), acrossY = offsetY - (along * alongY);
                Vector256<float> distance = (acrossX * acrossX) + (acrossY * acrossY);
                Span<float> place = _distances.AsSpan((y * Stride) + x, Lanes);
                Vector256<float> nearest = Vector256.Create(place);
                Vector256.ConditionalSelect(Vector256.LessThan(distance, nearest), distance, nearest).CopyTo(place);
            }
        }
    }

    /// <summary>From distances to pixels, eight at a time: ink * coverage + noise, rounded and clamped.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Ink(in CounterRandom random, Span<byte> pixels)
    {
        float ink = Between(random, Draws.Ink, 170f, 255f);
        float noise = Between(random, Draws.Noise, 0f, 24f) / 128f;
        Vector256<float> edge = Vector256.Create(_radius + 0.5f);
        ulong state = random.UInt64((uint)Draws.Grain / 2);
        Span<byte> row = stackalloc byte[Stride];
        for (int y = 0; y < Size; y++)
        {
            for (int x = 0; x < Stride; x += Lanes)
            {
                Vector256<float> distance =
                    Vector256.Sqrt(Vector256.Create(_distances.AsSpan((y * Stride) + x, Lanes)));
                Vector256<float> value = (Clamp(edge - distance) * ink) + (Grain(ref state) * noise);

                // Truncation rounds a positive number; narrowing keeps what fits a byte once it is clamped.
                Vector256<int> rounded = Vector256.ConvertToInt32((Clamp(value * (1 / 255f)) * 255f)
                    + Vector256.Create(0.5f));
                Vector128<short> narrow = Vector128.Narrow(rounded.GetLower(), rounded.GetUpper());
                Vector128.Narrow(narrow.AsUInt16(), narrow.AsUInt16()).GetLower().CopyTo(row[x..]);
            }

            row[..Size].CopyTo(pixels[(y * Size)..]);
        }
    }

    /// <summary>Eight numbers from -128 to 127: the bytes of SplitMix64's next output (Steele and others).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Grain(ref ulong state)
    {
        ulong bits = state += 0x9E3779B97F4A7C15;
        bits = (bits ^ (bits >> 30)) * 0xBF58476D1CE4E5B9;
        bits = (bits ^ (bits >> 27)) * 0x94D049BB133111EB;
        bits ^= bits >> 31;
        Vector128<short> wide = Vector128.WidenLower(Vector128.CreateScalar(bits).AsSByte());
        (Vector128<int> lower, Vector128<int> upper) = Vector128.Widen(wide);
        return Vector256.ConvertToSingle(Vector256.Create(lower, upper));
    }

    /// <summary>Each lane brought into 0 .. 1.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Clamp(Vector256<float> value)
    {
        value = Vector256.ConditionalSelect(
            Vector256.LessThan(value, Vector256<float>.Zero), Vector256<float>.Zero, value);
        return Vector256.ConditionalSelect(
            Vector256.GreaterThan(value, Vector256<float>.One), Vector256<float>.One, value);
    }

    private static float Between(in CounterRandom random, Draws draw, float low, float high) =>
        low + (random.Uniform((uint)draw) * (high - low));
}
