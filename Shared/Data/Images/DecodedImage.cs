namespace Distributed.Data;

/// <summary>A decoded image, 8 bits a channel: each row after row, each pixel's channels together.</summary>
public sealed class DecodedImage
{
    /// <summary>Wraps decoded pixels.</summary>
    /// <param name="width">Columns.</param>
    /// <param name="height">Rows.</param>
    /// <param name="channels">1 for grey, 3 for red, green, blue.</param>
    /// <param name="pixels">height * width * channels bytes.</param>
    public DecodedImage(int width, int height, int channels, byte[] pixels)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(height, 1);
        if (channels is not (1 or 3))
        {
            throw new ArgumentOutOfRangeException(nameof(channels), channels, "An image has 1 or 3 channels.");
        }

        if (pixels.LongLength != (long)width * height * channels)
        {
            throw new ArgumentException("The pixels don't fill the image.", nameof(pixels));
        }

        (Width, Height, Channels, Pixels) = (width, height, channels, pixels);
    }

    /// <summary>Columns.</summary>
    public int Width { get; }

    /// <summary>Rows.</summary>
    public int Height { get; }

    /// <summary>1 for grey, 3 for red, green, blue.</summary>
    public int Channels { get; }

    /// <summary>height * width * channels bytes.</summary>
    public byte[] Pixels { get; }

    /// <summary>
    /// The image in grey or in colour: grey is (299 red + 587 green + 114 blue) / 1000 rounded (ITU-R BT.601), colour
    /// repeats the grey.
    /// </summary>
    /// <param name="channels">1 or 3.</param>
    public DecodedImage ToChannels(int channels)
    {
        if (channels == Channels)
        {
            return this;
        }

        byte[] pixels = new byte[Width * Height * channels];
        for (int index = 0; index < Width * Height; index++)
        {
            if (channels == 1)
            {
                ReadOnlySpan<byte> pixel = Pixels.AsSpan(index * 3, 3);
                pixels[index] = (byte)(((299 * pixel[0]) + (587 * pixel[1]) + (114 * pixel[2]) + 500) / 1000);
            }
            else
            {
                pixels.AsSpan(index * channels, channels).Fill(Pixels[index]);
            }
        }

        return new DecodedImage(Width, Height, channels, pixels);
    }

    /// <summary>
    /// The image in another size: bilinear with a triangle as wide as the reduction (antialiased, as Pillow's), rows
    /// and columns apart, in integers, so the same bytes everywhere.
    /// </summary>
    /// <param name="width">The new columns.</param>
    /// <param name="height">The new rows.</param>
    public DecodedImage Resize(int width, int height) =>
        (width, height) == (Width, Height) ? this
            : new DecodedImage(width, height, Channels, ImageResizer.Resize(this, width, height));
}
