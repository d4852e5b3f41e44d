using System.Globalization;

namespace Distributed.Protocol;

/// <summary>Numbers the parameters: version v is what step v starts from, so step v makes version v + 1.</summary>
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
