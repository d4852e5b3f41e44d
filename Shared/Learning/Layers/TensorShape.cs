namespace Distributed.Learning;

/// <summary>
/// The shape of one sample between two layers: an image of channels x height x width, in memory [height][width]
/// [channels], or a flat row of features. A flattened image keeps its dimensions, because its features stand in
/// memory in the image's order while PyTorch counts them in channel, row, column order.
/// </summary>
public readonly record struct TensorShape(int Channels, int Height, int Width, bool IsFlat)
{
    /// <summary>Values a sample.</summary>
    public int Length => checked(Channels * Height * Width);

    /// <summary>A flat row of features.</summary>
    public static TensorShape Features(int count) => new(count, 1, 1, true);

    /// <summary>For instance 64x5x5, or 1600 when flat.</summary>
    public override string ToString() => IsFlat ? $"{Length}" : $"{Channels}x{Height}x{Width}";
}
