using System.CommandLine;

namespace Distributed.Coordinator;

/// <summary><c>train</c>: reads the settings, then hands over to the host.</summary>
internal static class TrainCommand
{
    /// <summary>The command with all its options.</summary>
    public static Command Create(CommandContext context)
    {
        Command command = new("train", "Train a network; the same command again goes on where it stopped.");
        AddOptions(command, TrainSetting.All);
        command.SetAction((parsed, _) => TrainHost.RunAsync(ReadSettings(parsed, context, TrainSetting.All), context));
        return command;
    }

    /// <summary>Adds an option for each setting.</summary>
    public static void AddOptions(Command command, IEnumerable<TrainSetting> settings)
    {
        foreach (TrainSetting setting in settings)
        {
            command.Add(setting.Value is null
                ? new Option<bool>(setting.Option) { Description = setting.Help }
                : new Option<string>(setting.Option) { Description = setting.Help, HelpName = setting.Value });
        }
    }

    /// <summary>The options that were given, on top of the environment and the files.</summary>
    /// <exception cref="UsageException">A mistake in a file, or an option without a value.</exception>
    public static TrainSettings ReadSettings(
        ParseResult parsed, CommandContext context, IEnumerable<TrainSetting> settings)
    {
        Dictionary<string, string> given = [];
        foreach (TrainSetting setting in settings)
        {
            if (parsed.GetResult(setting.Option) is not { } result) continue;
            string value = setting.Value is null
                ? parsed.GetValue<bool>(setting.Option).ToString() : result.Tokens[^1].Value;
            given[setting.Name] = value.Length > 0 ? value
                : throw new UsageException($"{setting.Option}: its value is empty.");
        }

        return new TrainSettings(context, given);
    }
}
