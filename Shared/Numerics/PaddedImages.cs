namespace Distributed.Numerics;

/// <summary>The input of a convolution with its zero border, and where its windows lie in it.</summary>
internal readonly unsafe struct PaddedImages
{
    private readonly ConvolutionShape _shape;

    public PaddedImages(in ConvolutionShape shape)
    {
        _shape = shape;
        Height = shape.InHeight + 2 * shape.PadHeight;
        Width = shape.InWidth + 2 * shape.PadWidth;
    }

    /// <summary>Rows with the border.</summary>
    public int Height { get; }

    /// <summary>Columns with the border.</summary>
    public int Width { get; }

    /// <summary>True where there is a border, so that a copy is needed.</summary>
    public bool HasBorder => _shape.PadHeight + _shape.PadWidth > 0;

    /// <summary>Floats of one row.</summary>
    public int RowLength => checked(Width * _shape.InChannels);

    /// <summary>Floats of one image.</summary>
    public int ImageLength => checked(Height * RowLength);

    /// <summary>Floats from one window to the next in a row.</summary>
    public int ColumnStep => _shape.StrideWidth * _shape.InChannels;

    /// <summary>Floats from one row of windows to the next.</summary>
    public int RowStep => _shape.StrideHeight * RowLength;

    /// <summary>Copies images into a border of zeros.</summary>
    public void Fill(float* images, int count, float* padded)
    {
        nint used = (nint)_shape.InWidth * _shape.InChannels, left = (nint)_shape.PadWidth * _shape.InChannels;
        new Span<float>(padded, count * ImageLength).Clear();
        for (int n = 0; n < count; n++, padded += ImageLength)
        {
            float* target = padded + (nint)_shape.PadHeight * RowLength + left;
            for (int row = 0; row < _shape.InHeight; row++, images += used, target += RowLength)
                new ReadOnlySpan<float>(images, (int)used).CopyTo(new Span<float>(target, (int)used));
        }
    }

    /// <summary>Copies images out of their border.</summary>
    public void Extract(float* padded, int count, float* images)
    {
        nint used = (nint)_shape.InWidth * _shape.InChannels, left = (nint)_shape.PadWidth * _shape.InChannels;
        for (int n = 0; n < count; n++, padded += ImageLength)
        {
            float* source = padded + (nint)_shape.PadHeight * RowLength + left;
            for (int row = 0; row < _shape.InHeight; row++, images += used, source += RowLength)
                new ReadOnlySpan<float>(source, (int)used).CopyTo(new Span<float>(images, (int)used));
        }
    }

    /// <summary>Images that fit a budget together, at least one.</summary>
    public static int Group(int budget, int floatsPerImage)
    {
        int fit = Math.Max(1, budget / Math.Max(1, floatsPerImage));
        return fit >= 8 ? fit / 8 * 8 : fit;
    }
}
