using System.Globalization;
using Distributed.Data;

namespace Distributed.Coordinator;

/// <summary>Samples a second over the number of workers, both axes logarithmic, beside the line without any loss.
/// </summary>
internal static class ScaleChart
{
    private const int Width = 960, Height = 600, Left = 110, Right = 40, Top = 50, Bottom = 70;

    private static readonly Colour Black = new(0, 0, 0), Grid = new(225, 225, 225), Ideal = new(170, 190, 215);

    private static readonly Dictionary<Scaling, Colour> Colours = new()
    {
        [Scaling.Weak] = new Colour(20, 80, 160),
        [Scaling.Strong] = new Colour(200, 40, 40),
    };

    /// <summary>Draws it.</summary>
    public static DecodedImage Draw(IReadOnlyList<ScaleRow> rows)
    {
        ChartCanvas canvas = new(Width, Height);
        double alone = rows[0].SamplesPerSecond / rows[0].Efficiency / rows[0].Workers;
        double most = Math.Max(Math.Log2(rows.Max(row => row.Workers)), 1);
        double low = Math.Log10(Math.Min(alone, rows.Min(row => row.SamplesPerSecond)));
        double high = Math.Log10(alone * Math.Pow(2, most));

        for (int doubling = 0; doubling <= most; doubling++)
        {
            string text = (1 << doubling).ToString(CultureInfo.InvariantCulture);
            canvas.Line(X(doubling), Top, X(doubling), Height - Bottom, Grid);
            canvas.Text(X(doubling) - ChartCanvas.TextWidth(text) / 2, Height - Bottom + 12, text, Black);
        }

        for (int decade = (int)Math.Ceiling(low); decade <= high; decade++)
        {
            string text = $"1e{decade}";
            canvas.Line(Left, Y(decade), Width - Right, Y(decade), Grid);
            canvas.Text(Left - 10 - ChartCanvas.TextWidth(text), Y(decade) - 7, text, Black);
        }

        canvas.Line(Left, Top, Left, Height - Bottom, Black);
        canvas.Line(Left, Height - Bottom, Width - Right, Height - Bottom, Black);
        canvas.Text(Width / 2 - 42, Height - 28, "workers", Black);
        canvas.Text(20, Top - 32, "samples/s", Black);
        canvas.Line(X(0), Y(Math.Log10(alone)), X(most), Y(high), Ideal, thick: true);
        Legend(0, "no loss", Ideal);
        int line = 1;
        foreach (IGrouping<Scaling, ScaleRow> curve in rows.GroupBy(row => row.Scaling))
        {
            Colour colour = Colours[curve.Key];
            Legend(line++, curve.Key == Scaling.Weak ? "weak: batch grows" : "strong: same batch", colour);
            Plot([.. curve], colour);
        }

        return canvas.Image;

        int X(double doublings) => Left + (int)Math.Round((Width - Left - Right) * doublings / most);

        int Y(double exponent) => Height - Bottom
            - (int)Math.Round((Height - Top - Bottom) * (exponent - low) / Math.Max(high - low, 1e-9));

        void Legend(int index, string text, Colour colour)
        {
            canvas.Line(Left + 20, Top + 17 + 22 * index, Left + 50, Top + 17 + 22 * index, colour, thick: true);
            canvas.Text(Left + 60, Top + 10 + 22 * index, text, Black);
        }

        void Plot(ScaleRow[] curve, Colour colour)
        {
            for (int i = 0; i < curve.Length; i++)
            {
                int x = X(Math.Log2(curve[i].Workers)), y = Y(Math.Log10(curve[i].SamplesPerSecond));
                canvas.Line(x - 3, y - 3, x + 3, y + 3, colour, thick: true);
                canvas.Line(x - 3, y + 3, x + 3, y - 3, colour, thick: true);
                if (i == 0) continue;
                canvas.Line(
                    X(Math.Log2(curve[i - 1].Workers)), Y(Math.Log10(curve[i - 1].SamplesPerSecond)), x, y, colour,
                    thick: true);
            }
        }
    }
}
