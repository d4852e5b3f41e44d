using System.Globalization;
using Distributed.Protocol;

namespace Distributed.Runtime;

/// <summary>
/// One limit of <see cref="ProtocolLimits"/> as a setting: a key of the section "Distributed:Limits" in the
/// coordinator's <c>appsettings.json</c>, and an environment variable of both programs.
/// </summary>
/// <param name="Key">The property's name, and the key within the section.</param>
/// <param name="Least">The least value that makes sense.</param>
/// <param name="Most">The greatest.</param>
/// <param name="Read">The value among others.</param>
/// <param name="With">The others with this value.</param>
public sealed record LimitSetting(
    string Key, int Least, int Most, Func<ProtocolLimits, int> Read, Func<ProtocolLimits, int, ProtocolLimits> With)
{
    /// <summary>The section's name.</summary>
    public const string Section = "Limits";

    private const string VariablePrefix = "DISTRIBUTED_LIMITS_";

    /// <summary>Every one.</summary>
    public static IReadOnlyList<LimitSetting> All { get; } =
    [
        new(nameof(ProtocolLimits.MaxConnections), 2, 1 << 20,
            limits => limits.MaxConnections, (limits, value) => limits with { MaxConnections = value }),
        new(nameof(ProtocolLimits.MaxPendingHandshakes), 1, 1 << 14,
            limits => limits.MaxPendingHandshakes, (limits, value) => limits with { MaxPendingHandshakes = value }),
        new(nameof(ProtocolLimits.AcceptsPerSecond), 1, 1 << 20,
            limits => limits.AcceptsPerSecond, (limits, value) => limits with { AcceptsPerSecond = value }),
        new(nameof(ProtocolLimits.HandshakesPerSecond), 1, 1 << 20,
            limits => limits.HandshakesPerSecond, (limits, value) => limits with { HandshakesPerSecond = value }),
        new(nameof(ProtocolLimits.HandshakePiecesPerSecond), 1, 1 << 20,
            limits => limits.HandshakePiecesPerSecond,
            (limits, value) => limits with { HandshakePiecesPerSecond = value }),
        new(nameof(ProtocolLimits.HandshakeMilliseconds), 100, 600_000,
            limits => limits.HandshakeMilliseconds, (limits, value) => limits with { HandshakeMilliseconds = value }),
        new(nameof(ProtocolLimits.MaxHandshakeBytes), 1 << 10, 1 << 20,
            limits => limits.MaxHandshakeBytes, (limits, value) => limits with { MaxHandshakeBytes = value }),
        new(nameof(ProtocolLimits.MaxHeaderBytes), 1 << 10, 1 << 30,
            limits => limits.MaxHeaderBytes, (limits, value) => limits with { MaxHeaderBytes = value }),
        new(nameof(ProtocolLimits.MaxPayloadBytes), 1 << 10, int.MaxValue,
            limits => limits.MaxPayloadBytes, (limits, value) => limits with { MaxPayloadBytes = value }),
        new(nameof(ProtocolLimits.MaxStringBytes), 1 << 10, 1 << 30,
            limits => limits.MaxStringBytes, (limits, value) => limits with { MaxStringBytes = value }),
        new(nameof(ProtocolLimits.MaxArrayItems), 1 << 10, 1 << 30,
            limits => limits.MaxArrayItems, (limits, value) => limits with { MaxArrayItems = value }),
        new(nameof(ProtocolLimits.MaxDepth), 4, 1 << 10,
            limits => limits.MaxDepth, (limits, value) => limits with { MaxDepth = value }),
    ];

    /// <summary>The environment variable: <c>DISTRIBUTED_LIMITS_MAX_CONNECTIONS</c>.</summary>
    public string Variable => VariablePrefix + string.Concat(
        Key.Select((letter, at) => at > 0 && char.IsUpper(letter) ? $"_{letter}" : $"{letter}")).ToUpperInvariant();

    /// <summary>The setting of a limit.</summary>
    public static LimitSetting Of(string key) => All.First(setting => setting.Key == key);

    /// <summary>What the environment says, over the defaults.</summary>
    /// <param name="environment">Finds a variable.</param>
    /// <exception cref="LinkException">A value is no number, or out of its range.</exception>
    public static ProtocolLimits FromEnvironment(Func<string, string?> environment)
    {
        ProtocolLimits limits = ProtocolLimits.Default;
        foreach (LimitSetting setting in All)
        {
            if (environment(setting.Variable) is not { Length: > 0 } text) continue;
            bool isSound = int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int value)
                && value >= setting.Least && value <= setting.Most;
            limits = isSound ? setting.With(limits, value) : throw new LinkException(
                $"{setting.Variable}: expected a whole number from {setting.Least} to {setting.Most}, got '{text}'.");
        }

        return limits;
    }
}
