using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Distributed.Numerics.Tests;

public class NativeBufferTests
{
    private const int Length = 1 << 20;

    [Fact]
    public void It_is_aligned_and_zero()
    {
        foreach (int length in (int[])[0, 1, 1000, Length])
        {
            using NativeBuffer buffer = new(length);
            Assert.Equal(length, buffer.Span.Length);
            Assert.Equal(0, AddressOf(buffer.Span) % 64);
            Assert.False(buffer.Span.ContainsAnyExcept(0f));
        }
    }

    [Fact]
    public void It_can_not_be_used_after_it_was_freed()
    {
        NativeBuffer buffer = new(8);
        buffer.Dispose();
        buffer.Dispose();
        Assert.Throws<ObjectDisposedException>(() => buffer.Span.Length);
    }

    /// <summary>However often blocks came and went before: what stays mapped is lost to whoever lives long.</summary>
    [Fact]
    public void What_is_freed_goes_back_to_the_system()
    {
        if (!OperatingSystem.IsLinux()) return;
        for (int i = 0; i < 3; i++) new NativeBuffer(2 * Length).Dispose();
        for (int attempt = 0; attempt < 10; attempt++)
        {
            NativeBuffer buffer = new(Length);
            long middle = AddressOf(buffer.Span[(Length / 2)..]);
            Assert.True(IsMapped(middle));
            buffer.Dispose();
            if (!IsMapped(middle)) return; // else another thread may have mapped something there meanwhile
        }

        Assert.Fail("The memory of freed blocks stays mapped.");
    }

    // Outside the managed heap nothing moves.
    private static long AddressOf(Span<float> span) =>
        Unsafe.ByteOffset(ref Unsafe.NullRef<float>(), ref MemoryMarshal.GetReference(span));

    private static bool IsMapped(long address)
    {
        foreach (string line in File.ReadLines("/proc/self/maps"))
        {
            string[] range = line.Split(' ')[0].Split('-');
            if (Convert.ToInt64(range[0], 16) <= address && address < Convert.ToInt64(range[1], 16)) return true;
        }

        return false;
    }
}
