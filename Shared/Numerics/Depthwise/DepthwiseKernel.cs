using System.Runtime.CompilerServices;

namespace Distributed.Numerics;

/// <summary>What depthwise kernels share: loads and stores of vectors of channels, the last one short.</summary>
internal abstract unsafe class DepthwiseKernel<TVector, TSimd>
    where TVector : struct
    where TSimd : struct, ISimd<TVector>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    protected static TVector Load<TLanes>(float* source, int lanes)
        where TLanes : struct, ILanes => TLanes.AreWhole ? TSimd.Load(source) : TSimd.Load(source, lanes);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    protected static void Store<TLanes>(float* target, TVector x, int lanes)
        where TLanes : struct, ILanes
    {
        if (TLanes.AreWhole)
            TSimd.Store(target, x);
        else
            TSimd.Store(target, x, lanes);
    }
}

/// <summary>Whether a loop's vectors have all of their lanes.</summary>
internal interface ILanes
{
    static abstract bool AreWhole { get; }
}

/// <summary>Whole vectors.</summary>
internal readonly struct WholeLanes : ILanes
{
    public static bool AreWhole => true;
}

/// <summary>The last channels, fewer than a vector has lanes.</summary>
internal readonly struct LastLanes : ILanes
{
    public static bool AreWhole => false;
}
