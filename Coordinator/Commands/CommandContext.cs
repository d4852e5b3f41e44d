namespace Distributed.Coordinator;

/// <summary>What a command has around it: where it writes, and where its settings come from.</summary>
internal sealed record CommandContext
{
    /// <summary>What was asked for is written here.</summary>
    public TextWriter Output { get; init; } = Console.Out;

    /// <summary>Errors are written here.</summary>
    public TextWriter Error { get; init; } = Console.Error;

    /// <summary>Looks an environment variable up.</summary>
    public Func<string, string?> Environment { get; init; } = System.Environment.GetEnvironmentVariable;

    /// <summary>Folders whose <c>appsettings.json</c> counts, in rising order.</summary>
    public IReadOnlyList<string> SettingsFolders { get; init; } =
        [AppContext.BaseDirectory, Directory.GetCurrentDirectory()];

    /// <summary>Whether a live view may be drawn.</summary>
    public bool IsTerminal { get; init; }

    /// <summary>The clock of views and deadlines.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Carries out <c>train</c>.</summary>
    public TrainingRunner Train { get; init; } = TrainingRun.RunAsync;
}
