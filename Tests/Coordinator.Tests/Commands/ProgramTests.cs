using Distributed.Execution;
using Microsoft.Extensions.Logging;
using Xunit;

namespace Distributed.Coordinator.Tests;

public sealed class ProgramTests
{
    [Fact]
    public async Task TheVersionListsEnginesAndNumerics()
    {
        CommandRun run = await CommandRun.Of("--version");
        Assert.Matches(
            @"^coordinator \d+\.\d+\.\d+; engines: local(, akka \([0-9.]+\))?; numerics: fp32-cpu-1 on ", run.Output);
        Assert.Equal((ExitCode.Done, ""), (run.ExitCode, run.Error));
    }

    [Fact]
    public async Task HelpListsEverySetting()
    {
        CommandRun run = await CommandRun.Of("train", "--help");
        Assert.Equal(ExitCode.Done, run.ExitCode);
        Assert.All(TrainSetting.All, setting => Assert.Contains($"  {setting.Option} ", run.Output));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    public async Task TheExitCodeIsTheRuns(int code)
    {
        CommandRun run = await CommandRun.Of(["train"], [], train: (_, _, _, _) => Task.FromResult(code));
        Assert.Equal((code, ""), (run.ExitCode, run.Error));
    }

    [Fact]
    public async Task AUsersMistakeWithinARunIsOneLine()
    {
        CommandRun run = await CommandRun.Of(
            ["train"], [], train: (_, _, _, _) => throw new SpecificationException("No sample is left."));
        Assert.Equal((ExitCode.UserError, "error: No sample is left."), (run.ExitCode, run.Error.TrimEnd()));
    }

    [Fact]
    public async Task AFaultOfOursIsExitCodeOneAndSaysSo()
    {
        CommandRun run = await CommandRun.Of(
            ["train"], [], train: (_, _, _, _) => throw new InvalidOperationException("The invariant is broken."));
        Assert.Equal(ExitCode.Fault, run.ExitCode);
        Assert.Contains("a fault of this program", run.Error);
        Assert.Contains("The invariant is broken.", run.Error);
    }

    [Fact]
    public async Task LogMessagesAreShownFromTheirLevelOn()
    {
        CommandRun run = await CommandRun.Of(["train", "--log-level", "information"], [], train: (_, _, loggers, _) =>
        {
            ILogger log = loggers.CreateLogger("test");
            log.LogInformation("A port was chosen.");
            log.LogDebug("A byte was read.");
            return Task.FromResult(0);
        });
        Assert.Contains("information: A port was chosen.", run.Output);
        Assert.DoesNotContain("A byte was read.", run.Output);
    }

    [Fact]
    public async Task TheSummaryOfConvnetHasPyTorchsParameterCount()
    {
        CommandRun run = await CommandRun.Of("summary", "--model", "convnet");
        Assert.Equal(ExitCode.Done, run.ExitCode);
        Assert.Matches(@"(?m)^  3 +conv2d +64x11x11 +18,496 +2,230,272 +[0-9.]+ KiB\r?$", run.Output);
        Assert.Matches(@"(?m)^  total +93,322 +2,794,240 +[0-9.]+ KiB\r?$", run.Output);
        Assert.Matches(@"(?m)^parameters 364\.\d KiB", run.Output);
        Assert.Contains("micro-batches of 32 (batch 128)", run.Output);
    }
}
