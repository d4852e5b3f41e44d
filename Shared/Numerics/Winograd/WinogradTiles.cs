using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace Distributed.Numerics;

/// <summary>
/// A tensor cut into tiles whose first starts PadHeight rows and PadWidth columns outside, each Step further; tiles are
/// numbered along rows, then columns, then images.
/// </summary>
internal readonly record struct TileGrid(
    int Height, int Width, int Channels, int Pitch, int PadHeight, int PadWidth, int Step, int TilesHigh, int TilesWide)
{
    /// <summary>Tiles of an image.</summary>
    public int TilesPerImage => TilesHigh * TilesWide;

    /// <summary>The grid of at most some channels from one on.</summary>
    public TileGrid Part(int first, int most) => this with { Channels = Math.Min(most, Channels - first) };

    /// <summary>Floats from one image to the next.</summary>
    public nint ImageStep => (nint)Height * Width * Pitch;
}

/// <summary>
/// Transformed tiles: plane after plane, one for every element of a tile, each [tile][channel]. Rows are padded to
/// whole vectors, and neither rows nor planes are a power of two apart, because those would share cache sets.
/// </summary>
internal readonly unsafe struct TilePlanes
{
    public TilePlanes(float* data, int tiles, int channels)
    {
        Data = data;
        TileStep = RowLength(channels);
        PlaneStep = PlaneLength(tiles, channels);
    }

    /// <summary>The first plane.</summary>
    public float* Data { get; private init; }

    /// <summary>Floats from one tile to the next.</summary>
    public nint TileStep { get; private init; }

    /// <summary>Floats from one plane to the next.</summary>
    public nint PlaneStep { get; private init; }

    /// <summary>The planes from some tile and channel on.</summary>
    public TilePlanes At(int tile, int channel) => this with { Data = Data + tile * TileStep + channel };

    /// <summary>Floats of a row of channels.</summary>
    public static int RowLength(int channels)
    {
        int length = (channels + 15) / 16 * 16;
        return length % 128 == 0 ? length + 16 : length;
    }

    /// <summary>Floats of a plane.</summary>
    public static int PlaneLength(int tiles, int channels) => checked(tiles * RowLength(channels) + 16);
}

/// <summary>Moves tiles between tensors and planes, 16 channels at a time, columns first and then rows.</summary>
internal static unsafe class WinogradTiles
{
    // Neighbouring tiles share transformed columns, as many as stay in the first cache.
    private const int MaxRun = 8, MaxTile = 6, MaxStep = 4, MaxLanes = 16, Alignment = 64;

    /// <summary>
    /// Transforms some tiles of images, behind a norm where there is one, into planes, from tile 0 on; what is outside
    /// counts as 0.
    /// </summary>
    public static void Scatter<TVector, TSimd, TTransform>(in TileGrid grid, float* images, InputNorm norm, int first,
        int count, in TilePlanes planes)
        where TVector : struct
        where TSimd : struct, ISimd<TVector>
        where TTransform : struct, ITransform
    {
        for (int done = 0; done < count;)
        {
            int tile = first + done, image = tile / grid.TilesPerImage;
            int row = tile % grid.TilesPerImage / grid.TilesWide, column = tile % grid.TilesWide;
            int run = Math.Min(Math.Min(count - done, grid.TilesWide - column), MaxRun);
            ScatterRun<TVector, TSimd, TTransform>(grid, images + image * grid.ImageStep,
                norm, row * grid.Step - grid.PadHeight, column * grid.Step - grid.PadWidth, run,
                planes.Data + done * planes.TileStep, planes.PlaneStep, planes.TileStep);
            done += run;
        }
    }

    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void ScatterRun<TVector, TSimd, TTransform>(in TileGrid grid, float* image, InputNorm norm, int top,
        int left, int run, float* target, nint planeStep, nint tileStep)
        where TVector : struct
        where TSimd : struct, ISimd<TVector>
        where TTransform : struct, ITransform
    {
        int inputs = TTransform.Inputs, tile = TTransform.Outputs, count = TSimd.Count;
        int width = grid.Width, channels = grid.Channels, step = grid.Step, columns = step * (run - 1) + inputs;
        nint rowStep = (nint)width * grid.Pitch;
        uint rows = 0, allRows = (1u << inputs) - 1;
        for (int i = 0; i < inputs; i++)
            rows |= (uint)(top + i) < (uint)grid.Height ? 1u << i : 0;
        float* memory = stackalloc float[((MaxRun - 1) * MaxStep + MaxTile) * MaxTile * MaxLanes + MaxLanes];
        float* scratch = (float*)(((nint)memory + Alignment - 1) & -Alignment);
        image += top * rowStep;
        // The rows that the next tiles below need besides come in meanwhile.
        int below = Math.Clamp(grid.Height - top - inputs, 0, step);
        for (int c = 0; c < channels; c += count)
        {
            int lanes = channels - c;
            TVector scale = norm.Exists ? norm.Scale<TVector, TSimd>(c, lanes) : default;
            TVector shift = norm.Exists ? norm.Shift<TVector, TSimd>(c, lanes) : default;
            float* column = scratch;
            for (int j = left; j < left + columns; j++, column += tile * count)
            {
                float* pixel = image + (nint)j * grid.Pitch + c;
                Vectors<TVector, TSimd> transformed = new(column, count);
                if (Sse.IsSupported)
                    for (int i = 0; i < below; i++)
                        Sse.Prefetch1(pixel + (inputs + i) * rowStep);
                if ((uint)j >= (uint)width)
                    for (int i = 0; i < tile; i++)
                        transformed.Put(i, default);
                else if (norm.Exists)
                    TTransform.Apply<TVector, TSimd, NormalizedColumn<TVector, TSimd>, Vectors<TVector, TSimd>>(
                        new(pixel, rowStep, rows, lanes, scale, shift), transformed);
                else if (rows == allRows && lanes >= count)
                    TTransform.Apply<TVector, TSimd, Vectors<TVector, TSimd>, Vectors<TVector, TSimd>>(
                        new(pixel, rowStep), transformed);
                else
                    TTransform.Apply<TVector, TSimd, ImageColumn<TVector, TSimd>, Vectors<TVector, TSimd>>(
                        new(pixel, rowStep, rows, lanes), transformed);
            }
            for (int i = 0; i < run; i++)
                for (int r = 0; r < tile; r++)
                    TTransform.Apply<TVector, TSimd, Vectors<TVector, TSimd>, Vectors<TVector, TSimd>>(
                        new(scratch + (i * step * tile + r) * count, tile * count),
                        new(target + i * tileStep + r * tile * planeStep + c, planeStep));
        }
    }

    /// <summary>
    /// Transforms planes, from tile 0 on, back into tiles of images, of which what is outside is left out:
    /// result + bias (or + what is there), optionally followed by ReLU.
    /// </summary>
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Gather<TVector, TSimd, TTransform>(in TileGrid grid, in TilePlanes planes, int first, int count,
        float* images, float* bias, bool accumulate, bool relu)
        where TVector : struct
        where TSimd : struct, ISimd<TVector>
        where TTransform : struct, ITransform
    {
        int tile = TTransform.Inputs, step = TTransform.Outputs, vector = TSimd.Count, pitch = grid.Pitch;
        nint planeStep = planes.PlaneStep;
        float* memory = stackalloc float[MaxTile * MaxStep * MaxLanes + MaxLanes];
        float* scratch = (float*)(((nint)memory + Alignment - 1) & -Alignment);
        for (int t = 0; t < count; t++)
        {
            int number = first + t, inImage = number % grid.TilesPerImage;
            int top = inImage / grid.TilesWide * step, left = inImage % grid.TilesWide * step;
            int rows = Math.Min(step, grid.Height - top), columns = Math.Min(step, grid.Width - left);
            float* source = planes.Data + t * planes.TileStep;
            float* target = images + number / grid.TilesPerImage * grid.ImageStep
                + ((nint)top * grid.Width + left) * pitch;
            for (int c = 0; c < grid.Channels; c += vector)
            {
                int lanes = grid.Channels - c;
                TVector start = bias == null ? default : TSimd.Load(bias + c, lanes);
                for (int s = 0; s < tile; s++)
                    TTransform.Apply<TVector, TSimd, Vectors<TVector, TSimd>, Vectors<TVector, TSimd>>(
                        new(source + s * planeStep + c, tile * planeStep), new(scratch + s * vector, tile * vector));
                for (int r = 0; r < rows; r++)
                    TTransform.Apply<TVector, TSimd, Vectors<TVector, TSimd>, ImageRow<TVector, TSimd>>(
                        new(scratch + r * tile * vector, vector),
                        new(target + (nint)r * grid.Width * pitch + c, pitch, columns, lanes, start, accumulate, relu));
            }
        }
    }
}
