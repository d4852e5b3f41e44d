using System.Runtime.CompilerServices;

namespace Distributed.Numerics;

/// <summary>A one-dimensional linear transform of a few vectors: y = T x.</summary>
internal interface ITransform
{
    /// <summary>Elements of x.</summary>
    static abstract int Inputs { get; }

    /// <summary>Elements of y.</summary>
    static abstract int Outputs { get; }

    /// <summary>Reads every input once, then writes every output once.</summary>
    static abstract void Apply<TVector, TSimd, TSource, TTarget>(TSource x, TTarget y)
        where TVector : struct
        where TSimd : struct, ISimd<TVector>
        where TSource : struct, ITransformSource<TVector>
        where TTarget : struct, ITransformTarget<TVector>;
}

/// <summary>Where a transform reads.</summary>
internal interface ITransformSource<TVector>
{
    /// <summary>Element i.</summary>
    TVector Get(int i);
}

/// <summary>Where a transform writes.</summary>
internal interface ITransformTarget<TVector>
{
    /// <summary>Sets element i.</summary>
    void Put(int i, TVector x);
}

/// <summary>Whole vectors a step apart.</summary>
internal readonly unsafe struct Vectors<TVector, TSimd>(float* first, nint step)
    : ITransformSource<TVector>, ITransformTarget<TVector>
    where TVector : struct
    where TSimd : struct, ISimd<TVector>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TVector Get(int i) => TSimd.Load(first + i * step);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Put(int i, TVector x) => TSimd.Store(first + i * step, x);
}

/// <summary>The first lanes of vectors a step apart.</summary>
internal readonly unsafe struct PartialVectors<TVector, TSimd>(float* first, nint step, int lanes)
    : ITransformSource<TVector>, ITransformTarget<TVector>
    where TVector : struct
    where TSimd : struct, ISimd<TVector>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TVector Get(int i) => TSimd.Load(first + i * step, lanes);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Put(int i, TVector x) => TSimd.Store(first + i * step, x, lanes);
}

/// <summary>A column of a tile at the border: rows whose bit isn't set are 0.</summary>
internal readonly unsafe struct ImageColumn<TVector, TSimd>(float* first, nint step, uint rows, int lanes)
    : ITransformSource<TVector>
    where TVector : struct
    where TSimd : struct, ISimd<TVector>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TVector Get(int i) => (rows >> i & 1) != 0 ? TSimd.Load(first + i * step, lanes) : default;
}

/// <summary>The same behind a norm; its outside is 0 as well.</summary>
internal readonly unsafe struct NormalizedColumn<TVector, TSimd>(
    float* first, nint step, uint rows, int lanes, TVector scale, TVector shift)
    : ITransformSource<TVector>
    where TVector : struct
    where TSimd : struct, ISimd<TVector>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TVector Get(int i) => (rows >> i & 1) != 0
        ? TSimd.Relu(TSimd.MultiplyAdd(TSimd.Load(first + i * step, lanes), scale, shift))
        : default;
}

/// <summary>A row of an output tile, of which those columns are stored that lie in the image.</summary>
internal readonly unsafe struct ImageRow<TVector, TSimd>(
    float* first, nint step, int columns, int lanes, TVector bias, bool accumulate, bool relu)
    : ITransformTarget<TVector>
    where TVector : struct
    where TSimd : struct, ISimd<TVector>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Put(int i, TVector x)
    {
        if (i >= columns)
            return;
        float* target = first + i * step;
        x = TSimd.Add(accumulate ? TSimd.Load(target, lanes) : bias, x);
        TSimd.Store(target, relu ? TSimd.Relu(x) : x, lanes);
    }
}
