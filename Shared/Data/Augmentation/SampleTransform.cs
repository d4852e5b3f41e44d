using Distributed.Numerics;

namespace Distributed.Data;

/// <summary>
/// What happens to one sample: where each point of the result comes from, and how its value changes. Geometry is
/// composed into one affine map in the order of the list, so that points are interpolated only once; so is what
/// changes values. A function of (seed, epoch, sample), with own sine, cosine, exponential and logarithm.
/// </summary>
internal struct SampleTransform
{
    // A point at (x, y) from the image's centre comes from (XX x + XY y + X, YX x + YY y + Y).
    public double XX = 1, XY, YX, YY = 1, X, Y;

    /// <summary>A pixel p becomes clamp(Gain p + Offset, 0, 255).</summary>
    public double Gain = 1, Offset;

    private SampleTransform(bool _)
    {
    }

    /// <summary>Draws what happens to a sample.</summary>
    /// <param name="list">The augmentations.</param>
    /// <param name="seed">The run's seed.</param>
    /// <param name="epoch">The epoch.</param>
    /// <param name="sample">The sample's index in the data set.</param>
    /// <param name="width">Columns of the image.</param>
    /// <param name="height">Rows of the image.</param>
    /// <param name="mean">The mean of the sample's pixels over all channels, if contrast is in the list.</param>
    public static SampleTransform Draw(
        AugmentationList list, ulong seed, int epoch, int sample, int width, int height, double mean)
    {
        SampleTransform result = new(true);
        for (int place = 0; place < list.Items.Count; place++)
        {
            CounterRandom random = Random(seed, place, epoch, sample);
            double value = list.Items[place].Value;
            switch (list.Items[place].Kind.Name)
            {
                case AugmentationKind.Crop:
                    int span = (2 * (int)value) + 1;
                    result.Move(random.Integer(0, span) - (int)value, random.Integer(1, span) - (int)value);
                    break;
                case AugmentationKind.Translate:
                    result.Move(Whole(value * width, random, 0), Whole(value * height, random, 1));
                    break;
                case AugmentationKind.Flip when random.UniformDouble(0) < value:
                    result.Turn(-1, 0, 0, 1);
                    break;
                case AugmentationKind.VerticalFlip when random.UniformDouble(0) < value:
                    result.Turn(1, 0, 0, -1);
                    break;
                case AugmentationKind.Rotate:
                    double angle = Centred(random, 0) * value * Math.PI / 180;
                    (double sine, double cosine) = (ElementaryFunctions.Sin(angle), ElementaryFunctions.Cos(angle));
                    result.Turn(cosine, -sine, sine, cosine);
                    break;
                case AugmentationKind.Scale:
                    double factor = 1 / (1 + (Centred(random, 0) * value));
                    result.Turn(factor, 0, 0, factor);
                    break;
                case AugmentationKind.ResizedCrop:
                    result.CropAndResize(random, value, width, height);
                    break;
                case AugmentationKind.Brightness:
                    double bright = 1 + (Centred(random, 0) * value);
                    (result.Gain, result.Offset) = (result.Gain * bright, result.Offset * bright);
                    break;
                case AugmentationKind.Contrast:
                    double contrast = 1 + (Centred(random, 0) * value);
                    double now = (result.Gain * mean) + result.Offset;
                    (result.Gain, result.Offset) =
                        (result.Gain * contrast, (result.Offset * contrast) + (now * (1 - contrast)));
                    break;
            }
        }

        return result;
    }

    /// <summary>The random numbers of one augmentation of a sample.</summary>
    public static CounterRandom Random(ulong seed, int place, int epoch, int sample) =>
        new(seed, RandomPurpose.Augmentation, layer: place, epoch: epoch, sample: sample);

    /// <summary>Whether points come from whole places, at most mirrored, so that nothing is interpolated.</summary>
    public readonly bool IsWhole => XY == 0 && YX == 0 && Math.Abs(XX) == 1 && Math.Abs(YY) == 1
        && X == Math.Floor(X) && Y == Math.Floor(Y);

    /// <summary>Uniform from -1 to below 1.</summary>
    private static double Centred(CounterRandom random, uint element) => (2 * random.UniformDouble(element)) - 1;

    private static double Whole(double range, CounterRandom random, uint element) =>
        Math.Floor((range * Centred(random, element)) + 0.5);

    private void Move(double x, double y) => Apply(1, 0, 0, 1, x, y);

    private void Turn(double xx, double xy, double yx, double yy) => Apply(xx, xy, yx, yy, 0, 0);

    /// <summary>A later change is looked up first: this map after (xx .. y).</summary>
    private void Apply(double xx, double xy, double yx, double yy, double x, double y)
    {
        (X, Y) = (X + (XX * x) + (XY * y), Y + (YX * x) + (YY * y));
        (XX, XY, YX, YY) =
            ((XX * xx) + (XY * yx), (XX * xy) + (XY * yy), (YX * xx) + (YY * yx), (YX * xy) + (YY * yy));
    }

    /// <summary>
    /// The share of the area is uniform, the ratio of the sides uniform in its logarithm from 3/4 to 4/3, the place
    /// uniform; a side is at most the image's.
    /// </summary>
    private void CropAndResize(CounterRandom random, double least, int width, int height)
    {
        const double LogOfRatio = 0.28768207245178085;
        double area = least + ((1 - least) * random.UniformDouble(0));
        double ratio = ElementaryFunctions.Exp(LogOfRatio * Centred(random, 1));
        double across = Math.Sqrt(area * ratio), down = Math.Sqrt(area / ratio);
        across = across > 1 ? 1 : across;
        down = down > 1 ? 1 : down;
        double x = (random.UniformDouble(2) - 0.5) * (1 - across) * width;
        double y = (random.UniformDouble(3) - 0.5) * (1 - down) * height;
        Apply(across, 0, 0, down, x, y);
    }
}
