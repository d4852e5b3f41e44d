using System.Diagnostics;
using Distributed.Learning;
using Xunit;

namespace Distributed.Execution.Tests;

public sealed class NetworkBitsTests
{
    /// <summary>
    /// Every named network trains to the same bits with AVX-512, with AVX2 and without vectors, whichever workers and
    /// threads divide the micro-batches, by each kind of convolution.
    /// </summary>
    [Fact]
    public async Task EveryNetworkTrainsToTheSameBitsWhoeverDoesTheWork()
    {
        Task<string[]> portable = Run("2 1 winograd", "DOTNET_EnableHWIntrinsic=0");
        string[] reference = await Run("1 1 winograd strict direct");
        string[][] others = await Task.WhenAll(
            portable, Run("3 2 winograd strict direct", "DOTNET_EnableAVX512=0"), Run("1 2 winograd"));
        Assert.Equal(("portable", false), (others[0][0], others[1][0] == "AVX-512"));
        Assert.Equal(3 * ModelCatalogue.Names.Count, reference.Length - 1);
        Assert.Equal(reference[1..], others[1][1..]);
        string[] winograd = [.. reference[1..].Where(line => line.Contains("winograd", StringComparison.Ordinal))];
        Assert.Equal(winograd, others[0][1..]);
        Assert.Equal(winograd, others[2][1..]);

        // The kinds of convolution are different ones.
        string[] resnet = [.. reference.Where(line => line.StartsWith("resnet20 ", StringComparison.Ordinal))];
        Assert.Equal(3, resnet.Select(line => line[^64..]).Distinct().Count());
    }

    /// <summary>Lines that the bits program prints in a process with one more environment variable.</summary>
    private static async Task<string[]> Run(string arguments, string? setting = null)
    {
        ProcessStartInfo start = new(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet")
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (string argument in (string[])[typeof(NetworkBitsTests).Assembly.Location, .. arguments.Split(' ')])
            start.ArgumentList.Add(argument);
        start.Environment.Remove("DOTNET_EnableAVX512");
        start.Environment.Remove("DOTNET_EnableHWIntrinsic");
        if (setting is not null) start.Environment[setting.Split('=')[0]] = setting.Split('=')[1];
        using Process process = Process.Start(start)!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, await errors);
        return output.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
    }
}
