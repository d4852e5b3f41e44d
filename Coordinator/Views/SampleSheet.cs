using Distributed.Data;

namespace Distributed.Coordinator;

/// <summary>
/// A sheet of small images in rows and columns, each with a line of text below it; small images are enlarged by whole
/// factors.
/// </summary>
internal sealed class SampleSheet
{
    private const int Gap = 6;
    private const int LeastSide = 96;
    private const byte Background = 32;
    private const byte Foreground = 230;

    private readonly DecodedImage _sheet;
    private readonly int _factor;
    private readonly int _cellWidth;
    private readonly int _cellHeight;

    /// <summary>An empty sheet.</summary>
    /// <param name="rows">Rows of images.</param>
    /// <param name="columns">Columns of images.</param>
    /// <param name="width">Columns of an image.</param>
    /// <param name="height">Rows of an image.</param>
    /// <param name="title">The text at the top.</param>
    public SampleSheet(int rows, int columns, int width, int height, string title)
    {
        _factor = Math.Max(1, (LeastSide + width - 1) / width);
        _cellWidth = (_factor * width) + Gap;
        _cellHeight = (_factor * height) + BitmapFont.Height + (2 * Gap);
        int sheetWidth = (columns * _cellWidth) + Gap, sheetHeight = Top + (rows * _cellHeight);
        byte[] pixels = new byte[sheetWidth * sheetHeight * 3];
        Array.Fill(pixels, Background);
        _sheet = new DecodedImage(sheetWidth, sheetHeight, 3, pixels);
        BitmapFont.Draw(_sheet, Gap, Gap, sheetWidth - (2 * Gap), title, Foreground);
    }

    private static int Top => BitmapFont.Height + (2 * Gap);

    /// <summary>Puts an image and its text in a cell.</summary>
    public void Add(int row, int column, DecodedImage image, string text)
    {
        DecodedImage colour = image.ToChannels(3);
        int left = Gap + (column * _cellWidth), top = Top + (row * _cellHeight);
        for (int y = 0; y < _factor * colour.Height; y++)
        {
            for (int x = 0; x < _factor * colour.Width; x++)
            {
                int from = ((y / _factor * colour.Width) + (x / _factor)) * 3;
                int to = (((top + y) * _sheet.Width) + left + x) * 3;
                colour.Pixels.AsSpan(from, 3).CopyTo(_sheet.Pixels.AsSpan(to));
            }
        }

        BitmapFont.Draw(_sheet, left, top + (_factor * colour.Height) + (Gap / 2), _cellWidth, text, Foreground);
    }

    /// <summary>Writes the sheet as PNG.</summary>
    /// <exception cref="UsageException">The file can't be written.</exception>
    public void Save(string path)
    {
        try
        {
            using FileStream file = File.Create(path);
            PngWriter.Write(file, _sheet);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new UsageException($"--out: {path} can't be written ({error.Message.TrimEnd('.')}).");
        }
    }
}
