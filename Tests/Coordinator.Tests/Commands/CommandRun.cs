using Xunit;

namespace Distributed.Coordinator.Tests;

/// <summary>What a command line came to: exit code, both outputs, and what <c>train</c> would have been told.</summary>
internal sealed record CommandRun(int ExitCode, string Output, string Error, TrainOptions? Trained)
{
    /// <summary>Runs a command line in this process. <c>train</c> only records its options.</summary>
    public static Task<CommandRun> Of(params string[] arguments) => Of(arguments, []);

    /// <inheritdoc cref="Of(string[])"/>
    /// <param name="arguments">The command line.</param>
    /// <param name="environment">The environment variables that there are.</param>
    /// <param name="settings">Folders whose appsettings.json counts, in rising order.</param>
    /// <param name="train">What train does instead of recording.</param>
    public static async Task<CommandRun> Of(
        string[] arguments, Dictionary<string, string> environment, string[]? settings = null,
        TrainingRunner? train = null)
    {
        TrainOptions? trained = null;
        using StringWriter output = new(), error = new();
        CommandContext context = new()
        {
            Output = output,
            Error = error,
            Environment = environment.GetValueOrDefault,
            SettingsFolders = settings ?? [],
            Train = train ?? ((options, _, _, _) =>
            {
                trained = options;
                return Task.FromResult(0);
            }),
        };
        int code = await Program.RunAsync(arguments, context);
        return new CommandRun(code, output.ToString(), error.ToString(), trained);
    }

    /// <summary>The options that train got; fails where it was not reached.</summary>
    public static async Task<TrainOptions> Options(params string[] arguments)
    {
        CommandRun run = await Of(["train", .. arguments]);
        Assert.Equal("", run.Error);
        return run.Trained!;
    }
}
