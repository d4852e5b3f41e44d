using System.Globalization;

namespace Distributed.Protocol;

/// <summary>Numbers an optimizer step of a run from 1, across epochs and resumes.</summary>
/// <param name="Value">The number.</param>
public readonly record struct StepNumber(long Value) : IComparable<StepNumber>
{
    /// <summary>The StepNumber after this one.</summary>
    public StepNumber Next => new(checked(Value + 1));

    /// <inheritdoc/>
    public int CompareTo(StepNumber other) => Value.CompareTo(other.Value);

    /// <summary>Whether left comes before right.</summary>
    public static bool operator <(StepNumber left, StepNumber right) => left.Value < right.Value;

    /// <summary>Whether left comes after right.</summary>
    public static bool operator >(StepNumber left, StepNumber right) => left.Value > right.Value;

    /// <summary>Whether left doesn't come after right.</summary>
    public static bool operator <=(StepNumber left, StepNumber right) => left.Value <= right.Value;

    /// <summary>Whether left doesn't come before right.</summary>
    public static bool operator >=(StepNumber left, StepNumber right) => left.Value >= right.Value;

    /// <summary>The number in decimal.</summary>
    public override string ToString() => Value.ToString(CultureInfo.InvariantCulture);
}
