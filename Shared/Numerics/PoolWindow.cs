namespace Distributed.Numerics;

/// <summary>
/// The elements of one pooling window that lie inside the image: their offsets from its start, and their places.
/// </summary>
internal unsafe struct PoolWindow
{
    private readonly PoolShape _shape;
    private int _kh0, _kh1, _kw0, _kw1;

    /// <summary>Uses the caller's tables, of an entry for every element of the kernel.</summary>
    public PoolWindow(in PoolShape shape, nint* offsets, byte* places)
    {
        _shape = shape;
        Offsets = offsets;
        Places = places;
    }

    /// <summary>Offset of each element from the window's start.</summary>
    public nint* Offsets { get; }

    /// <summary>kh KernelWidth + kw of each element.</summary>
    public byte* Places { get; }

    /// <summary>Number of elements inside.</summary>
    public int Count { get; private set; }

    /// <summary>Offset of the last element.</summary>
    public readonly nint Last => Offsets[Count - 1];

    /// <summary>
    /// Fills the tables for one window, unless they hold it already; returns where in the image it starts, which may be
    /// in the padding.
    /// </summary>
    public nint MoveTo(int oh, int ow)
    {
        int ih = oh * _shape.StrideHeight - _shape.PadHeight, iw = ow * _shape.StrideWidth - _shape.PadWidth;
        int kh0 = Math.Max(0, -ih), kh1 = Math.Min(_shape.KernelHeight, _shape.InHeight - ih);
        int kw0 = Math.Max(0, -iw), kw1 = Math.Min(_shape.KernelWidth, _shape.InWidth - iw);
        if (Count == 0 || kh0 != _kh0 || kh1 != _kh1 || kw0 != _kw0 || kw1 != _kw1)
        {
            (_kh0, _kh1, _kw0, _kw1) = (kh0, kh1, kw0, kw1);
            Fill();
        }
        return ((nint)ih * _shape.InWidth + iw) * _shape.InPitch;
    }

    private void Fill()
    {
        Count = 0;
        for (int kh = _kh0; kh < _kh1; kh++)
            for (int kw = _kw0; kw < _kw1; kw++, Count++)
            {
                Offsets[Count] = ((nint)kh * _shape.InWidth + kw) * _shape.InPitch;
                Places[Count] = (byte)(kh * _shape.KernelWidth + kw);
            }
    }
}
