using Distributed.Data;

namespace Distributed.Coordinator;

/// <summary>
/// Letters of 5 x 7 points, for text in images: capitals (small letters look the same), digits and a few signs; what
/// else there is becomes a box.
/// </summary>
internal static class BitmapFont
{
    /// <summary>Columns from one letter to the next.</summary>
    public const int Advance = 6;

    /// <summary>Rows of a letter.</summary>
    public const int Height = 7;

    private const int Width = 5;

    private const string Box = "##### #...# #...# #...# #...# #...# #####";

    /// <summary>Rows from the top, a point for each '#'.</summary>
    private static readonly Dictionary<char, string> Letters = new()
    {
        [' '] = "..... ..... ..... ..... ..... ..... .....",
        ['A'] = ".###. #...# #...# ##### #...# #...# #...#",
        ['B'] = "####. #...# #...# ####. #...# #...# ####.",
        ['C'] = ".###. #...# #.... #.... #.... #...# .###.",
        ['D'] = "####. #...# #...# #...# #...# #...# ####.",
        ['E'] = "##### #.... #.... ####. #.... #.... #####",
        ['F'] = "##### #.... #.... ####. #.... #.... #....",
        ['G'] = ".###. #...# #.... #.### #...# #...# .###.",
        ['H'] = "#...# #...# #...# ##### #...# #...# #...#",
        ['I'] = ".###. ..#.. ..#.. ..#.. ..#.. ..#.. .###.",
        ['J'] = "..### ...#. ...#. ...#. ...#. #..#. .##..",
        ['K'] = "#...# #..#. #.#.. ##... #.#.. #..#. #...#",
        ['L'] = "#.... #.... #.... #.... #.... #.... #####",
        ['M'] = "#...# ##.## #.#.# #.#.# #...# #...# #...#",
        ['N'] = "#...# ##..# #.#.# #..## #...# #...# #...#",
        ['O'] = ".###. #...# #...# #...# #...# #...# .###.",
        ['P'] = "####. #...# #...# ####. #.... #.... #....",
        ['Q'] = ".###. #...# #...# #...# #.#.# #..#. .##.#",
        ['R'] = "####. #...# #...# ####. #.#.. #..#. #...#",
        ['S'] = ".#### #.... #.... .###. ....# ....# ####.",
        ['T'] = "##### ..#.. ..#.. ..#.. ..#.. ..#.. ..#..",
        ['U'] = "#...# #...# #...# #...# #...# #...# .###.",
        ['V'] = "#...# #...# #...# #...# #...# .#.#. ..#..",
        ['W'] = "#...# #...# #...# #.#.# #.#.# ##.## #...#",
        ['X'] = "#...# #...# .#.#. ..#.. .#.#. #...# #...#",
        ['Y'] = "#...# #...# .#.#. ..#.. ..#.. ..#.. ..#..",
        ['Z'] = "##### ....# ...#. ..#.. .#... #.... #####",
        ['0'] = ".###. #...# #..## #.#.# ##..# #...# .###.",
        ['1'] = "..#.. .##.. ..#.. ..#.. ..#.. ..#.. .###.",
        ['2'] = ".###. #...# ....# ...#. ..#.. .#... #####",
        ['3'] = "##### ...#. ..#.. ...#. ....# #...# .###.",
        ['4'] = "...#. ..##. .#.#. #..#. ##### ...#. ...#.",
        ['5'] = "##### #.... ####. ....# ....# #...# .###.",
        ['6'] = "..##. .#... #.... ####. #...# #...# .###.",
        ['7'] = "##### ....# ...#. ..#.. .#... .#... .#...",
        ['8'] = ".###. #...# #...# .###. #...# #...# .###.",
        ['9'] = ".###. #...# #...# .#### ....# ...#. .##..",
        ['.'] = "..... ..... ..... ..... ..... .##.. .##..",
        [','] = "..... ..... ..... ..... .##.. ..#.. .#...",
        [':'] = "..... .##.. .##.. ..... .##.. .##.. .....",
        ['-'] = "..... ..... ..... ##### ..... ..... .....",
        ['_'] = "..... ..... ..... ..... ..... ..... #####",
        ['+'] = "..... ..#.. ..#.. ##### ..#.. ..#.. .....",
        ['/'] = "..... ....# ...#. ..#.. .#... #.... .....",
        ['%'] = "##... ##..# ...#. ..#.. .#... #..## ...##",
        ['('] = "...#. ..#.. .#... .#... .#... ..#.. ...#.",
        [')'] = ".#... ..#.. ...#. ...#. ...#. ..#.. .#...",
        ['='] = "..... ..... ##### ..... ##### ..... .....",
    };

    /// <summary>Draws a text, cut at the width given.</summary>
    /// <param name="image">The image.</param>
    /// <param name="left">The text's first column.</param>
    /// <param name="top">The text's first row.</param>
    /// <param name="width">Columns that it may take.</param>
    /// <param name="text">The text.</param>
    /// <param name="value">What the text's points become, in every channel.</param>
    public static void Draw(DecodedImage image, int left, int top, int width, string text, byte value)
    {
        string shown = text.Length * Advance <= width ? text : text[..Math.Max(0, width / Advance)];
        for (int letter = 0; letter < shown.Length; letter++)
        {
            string rows = Letters.GetValueOrDefault(char.ToUpperInvariant(shown[letter]), Box);
            for (int point = 0; point < Width * Height; point++)
            {
                (int column, int row) = (point % Width, point / Width);
                if (rows[(row * (Width + 1)) + column] != '#') continue;
                int at = ((top + row) * image.Width) + left + (letter * Advance) + column;
                image.Pixels.AsSpan(at * image.Channels, image.Channels).Fill(value);
            }
        }
    }
}
