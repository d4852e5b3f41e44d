using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Distributed.Protocol;

/// <summary>
/// CRC-32C (Castagnoli; RFC 3720 section 12.1): reflected polynomial 0x82F63B78, initial value and final xor all ones.
/// On hardware with a CRC instruction three lanes run side by side, since the instruction's latency is three times its
/// throughput (Gopal et al., "Fast CRC Computation for iSCSI Polynomial Using CRC32 Instruction"); without one
/// <see cref="BitOperations"/> falls back to tables.
/// </summary>
public static class Crc32C
{
    private const uint Polynomial = 0x82F63B78;
    private const int LaneBytes = 1024;
    private const int LaneWords = LaneBytes / sizeof(ulong);

    // Four tables of 256: what LaneBytes zero bytes make of each byte of a CRC register. The register is linear over
    // GF(2), so the lanes' registers combine by xor after such a shift.
    private static readonly uint[] ShiftByLane = BuildShift();

    /// <summary>The CRC of the bytes.</summary>
    public static uint Compute(ReadOnlySpan<byte> bytes) => Append(0, bytes);

    /// <summary>The CRC of everything so far followed by these bytes. It starts from 0.</summary>
    public static uint Append(uint crc, ReadOnlySpan<byte> bytes)
    {
        uint register = ~crc;
        while (bytes.Length >= 3 * LaneBytes)
        {
            register = ThreeLanes(register, MemoryMarshal.Cast<byte, ulong>(bytes[..(3 * LaneBytes)]));
            bytes = bytes[(3 * LaneBytes)..];
        }
        while (bytes.Length >= sizeof(ulong))
        {
            register = BitOperations.Crc32C(register, BitConverter.ToUInt64(bytes));
            bytes = bytes[sizeof(ulong)..];
        }
        foreach (byte value in bytes)
            register = BitOperations.Crc32C(register, value);
        return ~register;
    }

    // Fully compiled at once: the first gradients would otherwise wait for slow code.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static uint ThreeLanes(uint register, ReadOnlySpan<ulong> words)
    {
        ReadOnlySpan<ulong> first = words[..LaneWords];
        ReadOnlySpan<ulong> second = words.Slice(LaneWords, LaneWords);
        ReadOnlySpan<ulong> third = words.Slice(2 * LaneWords, LaneWords);
        uint a = register, b = 0, c = 0;
        for (int i = 0; i < LaneWords; i++)
        {
            a = BitOperations.Crc32C(a, first[i]);
            b = BitOperations.Crc32C(b, second[i]);
            c = BitOperations.Crc32C(c, third[i]);
        }
        return Shift(Shift(a) ^ b) ^ c;
    }

    private static uint Shift(uint register)
    {
        uint[] table = ShiftByLane;
        return table[register & 0xff]
            ^ table[256 + ((register >> 8) & 0xff)]
            ^ table[512 + ((register >> 16) & 0xff)]
            ^ table[768 + (register >> 24)];
    }

    private static uint[] BuildShift()
    {
        // Column i: what becomes of the register's bit i after LaneBytes zero bytes.
        Span<uint> columns = stackalloc uint[32];
        for (int bit = 0; bit < 32; bit++)
        {
            uint register = 1u << bit;
            for (int i = 0; i < 8 * LaneBytes; i++)
                register = (register >> 1) ^ ((register & 1) != 0 ? Polynomial : 0);
            columns[bit] = register;
        }
        uint[] table = new uint[4 * 256];
        for (int entry = 0; entry < table.Length; entry++)
        {
            for (int bit = 0; bit < 8; bit++)
            {
                if ((entry >> bit & 1) != 0)
                    table[entry] ^= columns[8 * (entry / 256) + bit];
            }
        }
        return table;
    }
}
