using System.Globalization;
using Distributed.Data;

namespace Distributed.Coordinator;

/// <summary>The curve of a range test: loss over the learning rate, whose axis is logarithmic.</summary>
internal static class RangeChart
{
    private const int Width = 960, Height = 600, Left = 90, Right = 30, Top = 30, Bottom = 70;
    private const int TicksUp = 6;

    private static readonly Colour Black = new(0, 0, 0), Grid = new(225, 225, 225), Raw = new(170, 190, 215),
        Curve = new(20, 80, 160), Marked = new(200, 40, 40);

    /// <summary>Draws it: losses pale, their average dark, and the suggested rate marked.</summary>
    public static DecodedImage Draw(IReadOnlyList<RangePoint> points, double? suggested)
    {
        ChartCanvas canvas = new(Width, Height);
        double from = Math.Log10(points[0].Rate), to = Math.Log10(points[^1].Rate);
        double low = points.Min(point => point.Smoothed), start = points[0].Smoothed;
        double high = Math.Max(start + 0.25 * (start - low), low + 1e-6), step = NiceStep((high - low) / TicksUp);
        low = Math.Floor(low / step) * step;
        high = Math.Ceiling(high / step) * step;

        for (int tick = 0; low + tick * step <= high + step / 2; tick++)
        {
            double value = low + tick * step;
            canvas.Line(Left, Y(value), Width - Right, Y(value), Grid);
            string text = value.ToString(step < 0.1 ? "F2" : "F1", CultureInfo.InvariantCulture);
            canvas.Text(Left - 10 - ChartCanvas.TextWidth(text), Y(value) - 7, text, Black);
        }

        for (int decade = (int)Math.Ceiling(from); decade <= to; decade++)
        {
            canvas.Line(X(decade), Top, X(decade), Height - Bottom, Grid);
            string text = $"1e{decade}";
            canvas.Text(X(decade) - ChartCanvas.TextWidth(text) / 2, Height - Bottom + 12, text, Black);
        }

        canvas.Line(Left, Top, Left, Height - Bottom, Black);
        canvas.Line(Left, Height - Bottom, Width - Right, Height - Bottom, Black);
        canvas.Text(Width / 2 - 70, Height - 28, "learning rate", Black);
        canvas.Text(Left, Top - 22, "loss", Black);
        Plot(point => point.Loss, Raw);
        Plot(point => point.Smoothed, Curve);
        if (suggested is { } rate)
        {
            int x = X(Math.Log10(rate));
            canvas.Line(x, Top, x, Height - Bottom, Marked);
            canvas.Text(x + 8, Top + 6, rate.ToString("G2", CultureInfo.InvariantCulture), Marked);
        }

        return canvas.Image;

        int X(double exponent) => Left + (int)Math.Round((Width - Left - Right) * (exponent - from) / (to - from));

        int Y(double loss) => Height - Bottom
            - (int)Math.Round((Height - Top - Bottom) * (Math.Clamp(loss, low, high) - low) / (high - low));

        void Plot(Func<RangePoint, double> value, Colour colour)
        {
            for (int i = 1; i < points.Count; i++)
            {
                canvas.Line(
                    X(Math.Log10(points[i - 1].Rate)), Y(value(points[i - 1])),
                    X(Math.Log10(points[i].Rate)), Y(value(points[i])), colour, thick: true);
            }
        }
    }

    /// <summary>1, 2 or 5 times a power of ten, at least as large.</summary>
    private static double NiceStep(double least)
    {
        double power = Math.Pow(10, Math.Floor(Math.Log10(least)));
        return power * ((double[])[1, 2, 5, 10]).First(factor => factor * power >= least * (1 - 1e-9));
    }
}
