using System.Globalization;

namespace Distributed.Protocol;

/// <summary>Numbers what a coordinator publishes, under its fence, from 1: each applied step makes a version.</summary>
/// <param name="Value">The number.</param>
public readonly record struct ParameterVersion(long Value) : IComparable<ParameterVersion>
{
    /// <summary>The ParameterVersion after this one.</summary>
    public ParameterVersion Next => new(checked(Value + 1));

    /// <inheritdoc/>
    public int CompareTo(ParameterVersion other) => Value.CompareTo(other.Value);

    /// <summary>Whether left comes before right.</summary>
    public static bool operator <(ParameterVersion left, ParameterVersion right) => left.Value < right.Value;

    /// <summary>Whether left comes after right.</summary>
    public static bool operator >(ParameterVersion left, ParameterVersion right) => left.Value > right.Value;

    /// <summary>Whether left doesn't come after right.</summary>
    public static bool operator <=(ParameterVersion left, ParameterVersion right) => left.Value <= right.Value;

    /// <summary>Whether left doesn't come before right.</summary>
    public static bool operator >=(ParameterVersion left, ParameterVersion right) => left.Value >= right.Value;

    /// <summary>The number in decimal.</summary>
    public override string ToString() => Value.ToString(CultureInfo.InvariantCulture);
}
