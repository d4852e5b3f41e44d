namespace Distributed.Numerics;

/// <summary>The input of a convolution with its zero border, and where its windows lie in it.</summary>
internal readonly unsafe struct PaddedImages
{
    private readonly ConvolutionShape _shape;

    /// <summary>Images without a border stay where they are, unless a dense copy is asked for.</summary>
    public PaddedImages(in ConvolutionShape shape, bool dense = false)
    {
        _shape = shape;
        IsCopy = dense || shape.PadHeight + shape.PadWidth > 0;
        Height = shape.InHeight + 2 * shape.PadHeight;
        Width = shape.InWidth + 2 * shape.PadWidth;
        Pitch = IsCopy ? shape.InChannels : shape.InPitch;
    }

    /// <summary>Rows with the border.</summary>
    public int Height { get; }

    /// <summary>Columns with the border.</summary>
    public int Width { get; }

    /// <summary>True where the images are a copy: those with a border.</summary>
    public bool IsCopy { get; }

    /// <summary>Floats from one pixel to the next: a copy has nothing between pixels.</summary>
    public int Pitch { get; }

    /// <summary>Floats of one row.</summary>
    public int RowLength => checked(Width * Pitch);

    /// <summary>Floats of one image.</summary>
    public int ImageLength => checked(Height * RowLength);

    /// <summary>Floats from one window to the next in a row.</summary>
    public int ColumnStep => _shape.StrideWidth * Pitch;

    /// <summary>Floats from one row of windows to the next.</summary>
    public int RowStep => _shape.StrideHeight * RowLength;

    /// <summary>Where pixel (kh, kw), channel c of a window lies from the window's start.</summary>
    public nint Offset(int tap)
    {
        int channels = _shape.InChannels, column = tap / channels;
        return (nint)(column / _shape.KernelWidth) * RowLength + (nint)(column % _shape.KernelWidth) * Pitch
            + tap % channels;
    }

    /// <summary>Copies images into a border of zeros.</summary>
    public void Fill(float* images, int count, float* padded)
    {
        new Span<float>(padded, count * ImageLength).Clear();
        Copy(images, count, padded, extract: false);
    }

    /// <summary>Copies images out of their border.</summary>
    public void Extract(float* padded, int count, float* images) => Copy(images, count, padded, extract: true);

    private void Copy(float* images, int count, float* padded, bool extract)
    {
        int channels = _shape.InChannels, width = _shape.InWidth, pitch = _shape.InPitch;
        for (int n = 0; n < count; n++, padded += ImageLength)
        {
            float* row = padded + (nint)_shape.PadHeight * RowLength + (nint)_shape.PadWidth * channels;
            for (int y = 0; y < _shape.InHeight; y++, images += (nint)width * pitch, row += RowLength)
                if (extract)
                    Pixels.Copy(row, channels, images, pitch, width, channels);
                else
                    Pixels.Copy(images, pitch, row, channels, width, channels);
        }
    }

    /// <summary>Images that fit a budget together, at least one.</summary>
    public static int Group(int budget, int floatsPerImage)
    {
        int fit = Math.Max(1, budget / Math.Max(1, floatsPerImage));
        return fit >= 8 ? fit / 8 * 8 : fit;
    }
}
