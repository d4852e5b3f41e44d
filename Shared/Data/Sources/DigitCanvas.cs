using Distributed.Numerics;

namespace Distributed.Data;

/// <summary>
/// Draws one digit at a time. Strokes are splines of Catmull and Rom, bent by a coarse random grid, mapped by a random
/// affine map and cut into short straight pieces; a pixel's ink is how far the nearest piece's edge covers it. Plain
/// float arithmetic in one order, so the same bytes everywhere.
/// </summary>
internal sealed class DigitCanvas
{
    private const int Size = Digits.Size;
    private const int Pieces = 4;
    private const int Grid = 4;
    private const float Far = 1e9f;

    /// <summary>Which element of a sample's random numbers serves what; element 0 is the label.</summary>
    private enum Draws : uint
    {
        Way = 1, Rotation, Shear, Width, Height, Left, Top, Radius, Ink, Noise, Bend = 32, Pixels = 256,
    }

    /// <summary>The squared distance from each pixel's centre to the nearest piece.</summary>
    private readonly float[] _distances = new float[Size * Size];
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
        for (uint knot = 0; knot < Grid * Grid; knot++)
        {
            _bendX[knot] = 0.11f * ((2 * random.Uniform((uint)Draws.Bend + knot)) - 1);
            _bendY[knot] = 0.11f * ((2 * random.Uniform((uint)Draws.Bend + (Grid * Grid) + knot)) - 1);
        }
    }

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

    /// <summary>Catmull and Rom's cubic from b (t = 0) to c (t = 1) with tangents (c - a) / 2 and (d - b) / 2.</summary>
    private static float Spline(float a, float b, float c, float d, float t) =>
        b + (0.5f * t * (c - a + (t * ((2 * a) - (5 * b) + (4 * c) - d + (t * ((3 * (b - c)) + d - a))))));

    /// <summary>From percent of the digit's box to pixels: bend, then the affine map.</summary>
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

    private static float Bend(float[] grid, int knot, float right, float down)
    {
        float upper = grid[knot] + (right * (grid[knot + 1] - grid[knot]));
        float lower = grid[knot + Grid] + (right * (grid[knot + Grid + 1] - grid[knot + Grid]));
        return upper + (down * (lower - upper));
    }

    /// <summary>Lowers the distances of the pixels that a straight piece reaches.</summary>
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
            float offsetY = y - fromY;
            Span<float> row = _distances.AsSpan(y * Size, Size);
            for (int x = firstX; x <= lastX; x++)
            {
                float offsetX = x - fromX;
                float along = ((offsetX * alongX) + (offsetY * alongY)) * inverse;
                along = along < 0 ? 0 : along > 1 ? 1 : along;
                float acrossX = offsetX - (along * alongX), acrossY = offsetY - (along * alongY);
                float distance = (acrossX * acrossX) + (acrossY * acrossY);
                row[x] = distance < row[x] ? distance : row[x];
            }
        }
    }

    private void Ink(in CounterRandom random, Span<byte> pixels)
    {
        float ink = Between(random, Draws.Ink, 170f, 255f);
        float noise = Between(random, Draws.Noise, 0f, 24f) / 128f;
        float edge = _radius + 0.5f, outside = edge * edge;
        ulong bits = 0;
        for (int index = 0; index < pixels.Length; index++)
        {
            // One byte of the random bits for each pixel.
            bits = (index & 7) == 0 ? random.UInt64((uint)Draws.Pixels + ((uint)index >> 3)) : bits >> 8;
            float value = noise * (sbyte)bits;
            if (_distances[index] < outside)
            {
                float cover = edge - MathF.Sqrt(_distances[index]);
                value += ink * (cover > 1 ? 1 : cover);
            }

            pixels[index] = value <= 0 ? (byte)0 : value >= 255 ? (byte)255 : (byte)(value + 0.5f);
        }
    }

    private static float Between(in CounterRandom random, Draws draw, float low, float high) =>
        low + (random.Uniform((uint)draw) * (high - low));
}
