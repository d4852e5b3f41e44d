namespace Distributed.Data;

/// <summary>One kind of augmentation; every kind has one parameter.</summary>
/// <param name="Name">Its name, as on the command line.</param>
/// <param name="Parameter">The parameter's name, as in a specification.</param>
/// <param name="Default">The parameter where none is given.</param>
/// <param name="Least">The parameter's least value; 0 itself is excluded.</param>
/// <param name="Most">Its largest value.</param>
/// <param name="IsWhole">Whether it must be a whole number.</param>
/// <param name="Help">What it does.</param>
public sealed record AugmentationKind(
    string Name, string Parameter, double Default, double Least, double Most, bool IsWhole, string Help)
{
    internal const string Crop = "crop";
    internal const string ResizedCrop = "resized-crop";
    internal const string Flip = "flip";
    internal const string VerticalFlip = "vertical-flip";
    internal const string Rotate = "rotate";
    internal const string Scale = "scale";
    internal const string Translate = "translate";
    internal const string Brightness = "brightness";
    internal const string Contrast = "contrast";
    internal const string Cutout = "cutout";
    internal const string Mixup = "mixup";

    /// <summary>Every kind.</summary>
    public static IReadOnlyList<AugmentationKind> All { get; } =
    [
        new(Crop, "padding", 4, 1, 1024, true, "moves the image by up to so many points each way"),
        new(ResizedCrop, "least", 0.08, 0, 1, false,
            "enlarges a part of at least this share of the image, 3:4 to 4:3"),
        new(Flip, "probability", 0.5, 0, 1, false, "mirrors left and right"),
        new(VerticalFlip, "probability", 0.5, 0, 1, false, "mirrors top and bottom"),
        new(Rotate, "degrees", 15, 0, 180, false, "turns by up to so many degrees either way"),
        new(Scale, "share", 0.1, 0, 0.9, false, "enlarges or reduces by up to this share"),
        new(Translate, "share", 0.1, 0, 1, false, "moves by up to this share of the sides"),
        new(Brightness, "share", 0.2, 0, 1, false, "multiplies all pixels by 1 plus or minus up to this share"),
        new(Contrast, "share", 0.2, 0, 1, false,
            "multiplies the distance from the image's mean by 1 plus or minus up to this share"),
        new(Cutout, "size", 8, 1, 1024, true, "blanks a square of that side around a random point"),
        new(Mixup, "alpha", 0.2, 0, 100, false, "mixes two samples and their labels in shares drawn from Beta(a, a)"),
    ];

    /// <summary>The kind of that name, in any case; null: there is none.</summary>
    internal static AugmentationKind? Find(string name) =>
        All.FirstOrDefault(kind => string.Equals(kind.Name, name, StringComparison.OrdinalIgnoreCase));

    /// <summary>Whether the parameter may have that value.</summary>
    internal bool Allows(double value) => value > 0 && value >= Least && value <= Most
        && (!IsWhole || value == Math.Floor(value));

    /// <summary>What the parameter may be, for a sentence.</summary>
    internal FormattableString Range => IsWhole ? $"a whole number from {Least} to {Most}"
        : Least > 0 ? $"a number from {Least} to {Most}" : (FormattableString)$"a number above 0, up to {Most}";
}
