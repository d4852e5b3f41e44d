using System.Globalization;

namespace Distributed.Protocol;

/// <summary>Numbers one connection of a worker to a coordinator. Never given twice under one fence, so a worker that
/// comes back is a new one and its predecessor's late messages name nobody.</summary>
/// <param name="Value">The number.</param>
public readonly record struct WorkerId(int Value) : IComparable<WorkerId>
{
    /// <summary>The WorkerId after this one.</summary>
    public WorkerId Next => new(checked(Value + 1));

    /// <inheritdoc/>
    public int CompareTo(WorkerId other) => Value.CompareTo(other.Value);

    /// <summary>Whether left comes before right.</summary>
    public static bool operator <(WorkerId left, WorkerId right) => left.Value < right.Value;

    /// <summary>Whether left comes after right.</summary>
    public static bool operator >(WorkerId left, WorkerId right) => left.Value > right.Value;

    /// <summary>Whether left doesn't come after right.</summary>
    public static bool operator <=(WorkerId left, WorkerId right) => left.Value <= right.Value;

    /// <summary>Whether left doesn't come before right.</summary>
    public static bool operator >=(WorkerId left, WorkerId right) => left.Value >= right.Value;

    /// <summary>The number in decimal.</summary>
    public override string ToString() => Value.ToString(CultureInfo.InvariantCulture);
}
