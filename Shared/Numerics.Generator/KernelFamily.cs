namespace Distributed.Numerics.Generator;

/// <summary>The kernels of one vector size and number of vectors a row.</summary>
internal sealed class KernelFamily
{
    public KernelFamily(string name, int bits, int vectors, int maxRows)
    {
        Name = name;
        Bits = bits;
        Vectors = vectors;
        MaxRows = maxRows;
    }

    public string Name { get; }

    public int Bits { get; }

    public int Vectors { get; }

    public int MaxRows { get; }

    public int Lanes => Bits / 32;

    public string Type => $"Vector{Bits}<float>";

    public string Vector => $"Vector{Bits}";

    public string MultiplyAdd => Bits == 512 ? "Avx512F.FusedMultiplyAdd" : "Fma.MultiplyAdd";

    public string MaskLoad(string address, string mask) =>
        Bits == 512 ? $"Avx512F.MaskLoad({address}, {mask}, {Type}.Zero)" : $"Avx.MaskLoad({address}, {mask})";

    /// <summary>The 256-bit masked store is microcode on some processors; the AVX-512 form of it never is.</summary>
    public string MaskStore(string address, string mask, string value) => Bits == 512
        ? $"Avx512F.MaskStore({address}, {mask}, {value})"
        : $"MaskStore({address}, {mask}, {value})";
}
