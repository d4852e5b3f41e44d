using System.Runtime.CompilerServices;

namespace Distributed.Simulation;

/// <summary>The simulation's assertion: its message is what a failing seed prints.</summary>
internal static class Check
{
    public static void That(
        bool condition, [InterpolatedStringHandlerArgument(nameof(condition))] ref FailureText text)
    {
        if (!condition) throw new SimulationFailure(text.ToString());
    }
}

/// <summary>A broken invariant.</summary>
internal sealed class SimulationFailure(string message) : Exception(message);

/// <summary>Builds a failure's text only when the condition does not hold.</summary>
[InterpolatedStringHandler]
internal readonly ref struct FailureText
{
    private readonly System.Text.StringBuilder? _text;

    public FailureText(int literalLength, int formattedCount, bool condition, out bool isNeeded)
    {
        isNeeded = !condition;
        _text = isNeeded ? new System.Text.StringBuilder(literalLength + 16 * formattedCount) : null;
    }

    public void AppendLiteral(string text) => _text!.Append(text);

    public void AppendFormatted<T>(T value) => _text!.Append(value);

    public override string ToString() => _text?.ToString() ?? "";
}
