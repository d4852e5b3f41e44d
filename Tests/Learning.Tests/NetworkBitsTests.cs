using System.Diagnostics;
using Xunit;

namespace Distributed.Learning.Tests;

public sealed class NetworkBitsTests
{
    /// <summary>
    /// Whole training steps of every family give the same bits with AVX-512 and with AVX2. (Single operations are
    /// compared without vectors too, in Numerics.Tests.)
    /// </summary>
    [Fact]
    public async Task EveryNetworkTrainsToTheSameBits()
    {
        var outputs = await Task.WhenAll(Run("DOTNET_ReadyToRun=1"), Run("DOTNET_EnableAVX512=0"));
        Assert.NotEqual("AVX-512", outputs[1][0]);
        Assert.True(outputs[0].Length > 12);
        Assert.Equal(outputs[0][1..], outputs[1][1..]);
    }

    /// <summary>Lines that the bits program prints in a process with one more environment variable.</summary>
    private static async Task<string[]> Run(string setting)
    {
        var start = new ProcessStartInfo(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet")
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            ArgumentList = { typeof(NetworkBitsTests).Assembly.Location },
        };
        start.Environment.Remove("DOTNET_EnableAVX512");
        start.Environment[setting.Split('=')[0]] = setting.Split('=')[1];
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, await errors);
        return output.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
    }
}
