using Distributed.Data;

namespace Distributed.Coordinator;

/// <summary>A colour of a chart.</summary>
internal readonly record struct Colour(byte Red, byte Green, byte Blue);

/// <summary>A white picture to draw lines and small texts on.</summary>
internal sealed class ChartCanvas
{
    private const int Scale = 2, GlyphWidth = 5, GlyphHeight = 7, Advance = (GlyphWidth + 1) * Scale;

    /// <summary>Rows of five bits from the top, the highest bit left.</summary>
    private static readonly Dictionary<char, byte[]> Glyphs = new()
    {
        ['0'] = [14, 17, 19, 21, 25, 17, 14],
        ['1'] = [4, 12, 4, 4, 4, 4, 14],
        ['2'] = [14, 17, 1, 2, 4, 8, 31],
        ['3'] = [31, 2, 4, 2, 1, 17, 14],
        ['4'] = [2, 6, 10, 18, 31, 2, 2],
        ['5'] = [31, 16, 30, 1, 1, 17, 14],
        ['6'] = [6, 8, 16, 30, 17, 17, 14],
        ['7'] = [31, 1, 2, 4, 8, 8, 8],
        ['8'] = [14, 17, 17, 14, 17, 17, 14],
        ['9'] = [14, 17, 17, 15, 1, 2, 12],
        ['.'] = [0, 0, 0, 0, 0, 12, 12],
        ['-'] = [0, 0, 0, 31, 0, 0, 0],
        ['+'] = [0, 4, 4, 31, 4, 4, 0],
        [':'] = [0, 12, 12, 0, 12, 12, 0],
        ['/'] = [0, 1, 2, 4, 8, 16, 0],
        ['E'] = [31, 16, 16, 30, 16, 16, 31],
        ['a'] = [0, 0, 14, 1, 15, 17, 15],
        ['b'] = [16, 16, 22, 25, 17, 17, 30],
        ['c'] = [0, 0, 14, 16, 16, 17, 14],
        ['e'] = [0, 0, 14, 17, 31, 16, 14],
        ['g'] = [0, 15, 17, 17, 15, 1, 14],
        ['h'] = [16, 16, 22, 25, 17, 17, 17],
        ['i'] = [4, 0, 12, 4, 4, 4, 14],
        ['k'] = [16, 16, 18, 20, 24, 20, 18],
        ['l'] = [12, 4, 4, 4, 4, 4, 14],
        ['m'] = [0, 0, 26, 21, 21, 17, 17],
        ['n'] = [0, 0, 22, 25, 17, 17, 17],
        ['o'] = [0, 0, 14, 17, 17, 17, 14],
        ['p'] = [0, 0, 30, 17, 30, 16, 16],
        ['r'] = [0, 0, 22, 25, 16, 16, 16],
        ['s'] = [0, 0, 14, 16, 14, 1, 30],
        ['t'] = [8, 8, 28, 8, 8, 9, 6],
        ['w'] = [0, 0, 17, 17, 21, 21, 10],
    };

    private readonly int _width;
    private readonly int _height;
    private readonly byte[] _pixels;

    public ChartCanvas(int width, int height)
    {
        (_width, _height) = (width, height);
        _pixels = new byte[width * height * 3];
        Array.Fill(_pixels, (byte)255);
        Image = new DecodedImage(width, height, 3, _pixels);
    }

    /// <summary>The picture.</summary>
    public DecodedImage Image { get; }

    /// <summary>Pixels that a text is wide.</summary>
    public static int TextWidth(string text) => text.Length * Advance;

    /// <summary>Draws a straight line (Bresenham 1965).</summary>
    public void Line(int x, int y, int toX, int toY, Colour colour, bool thick = false)
    {
        int width = Math.Abs(toX - x), height = -Math.Abs(toY - y), error = width + height;
        int right = x < toX ? 1 : -1, down = y < toY ? 1 : -1;
        while (true)
        {
            Set(x, y, colour);
            if (thick) Set(x, y + 1, colour);
            if (x == toX && y == toY) return;
            int twice = 2 * error;
            if (twice >= height) (error, x) = (error + height, x + right);
            if (twice <= width) (error, y) = (error + width, y + down);
        }
    }

    /// <summary>Writes a text from its upper left corner; letters without a glyph are left out.</summary>
    public void Text(int x, int y, string text, Colour colour)
    {
        foreach (char letter in text)
        {
            if (Glyphs.TryGetValue(letter, out byte[]? rows))
            {
                for (int pixel = 0; pixel < GlyphHeight * Scale * GlyphWidth * Scale; pixel++)
                {
                    (int row, int column) = Math.DivRem(pixel, GlyphWidth * Scale);
                    if ((rows[row / Scale] >> (GlyphWidth - 1 - column / Scale) & 1) != 0)
                        Set(x + column, y + row, colour);
                }
            }

            x += Advance;
        }
    }

    private void Set(int x, int y, Colour colour)
    {
        if ((uint)x >= (uint)_width || (uint)y >= (uint)_height) return;
        Span<byte> pixel = _pixels.AsSpan(3 * (y * _width + x), 3);
        (pixel[0], pixel[1], pixel[2]) = (colour.Red, colour.Green, colour.Blue);
    }
}
