using System.Diagnostics;

namespace Distributed.Numerics.Tests;

/// <summary>Every operation gives the same bits whatever instructions the machine has.</summary>
public class BitsTests
{
    /// <summary>
    /// The bits of numerics class fp32-cpu-1, a line an operation: other bits are another class, so raise the number
    /// in a run's specification. With UPDATE_BITS=1 the test writes the file instead; a person reads the difference.
    /// </summary>
    private const string ClassBits = "Tests/Numerics.Tests/ClassBits.txt";

    [Fact]
    public async Task All_instruction_sets_give_the_same_bits()
    {
        string[][] outputs = await Task.WhenAll(
            Run(), Run("DOTNET_EnableAVX512=0"), Run("DOTNET_EnableHWIntrinsic=0"));
        Assert.NotEqual("AVX-512", outputs[1][0]);
        Assert.Equal("portable", outputs[2][0]);
        Assert.True(outputs[0].Length > 50);
        Assert.Equal(outputs[2][1..], outputs[0][1..]);
        Assert.Equal(outputs[2][1..], outputs[1][1..]);
        string[] bits =
            [.. outputs[0][1..].Select(line => $"{line[64..].Trim()}: {line[..64]}").Order(StringComparer.Ordinal)];
        string file = Path.Combine(Checkout.Folder, ClassBits);
        if (Environment.GetEnvironmentVariable("UPDATE_BITS") == "1")
            await File.WriteAllLinesAsync(file, bits);
        Assert.Equal(await File.ReadAllLinesAsync(file), bits);
    }

    /// <summary>Lines that the bits program prints in a process with one more environment variable.</summary>
    private static async Task<string[]> Run(string? setting = null)
    {
        var start = new ProcessStartInfo(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet")
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            ArgumentList = { typeof(BitsTests).Assembly.Location },
        };
        start.Environment.Remove("DOTNET_EnableAVX512");
        start.Environment.Remove("DOTNET_EnableHWIntrinsic");
        if (setting != null)
            start.Environment[setting.Split('=')[0]] = setting.Split('=')[1];
        using Process process = Process.Start(start)!;
        using var deadline = new CancellationTokenSource(TimeSpan.FromMinutes(5));
        try
        {
            Task<string> errors = process.StandardError.ReadToEndAsync(deadline.Token);
            string output = await process.StandardOutput.ReadToEndAsync(deadline.Token);
            await process.WaitForExitAsync(deadline.Token);
            Assert.True(process.ExitCode == 0, await errors);
            return output.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw;
        }
    }
}
