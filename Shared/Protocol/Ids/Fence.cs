using System.Globalization;

namespace Distributed.Protocol;

/// <summary>A fencing token (as in Kleppmann, "How to do distributed locking"): each coordinator of a run works under a
/// higher number than the one before; workers refuse a lower one and readers of checkpoints take the highest.</summary>
/// <param name="Value">The number.</param>
public readonly record struct Fence(long Value) : IComparable<Fence>
{
    /// <summary>The Fence after this one.</summary>
    public Fence Next => new(checked(Value + 1));

    /// <inheritdoc/>
    public int CompareTo(Fence other) => Value.CompareTo(other.Value);

    /// <summary>Whether left comes before right.</summary>
    public static bool operator <(Fence left, Fence right) => left.Value < right.Value;

    /// <summary>Whether left comes after right.</summary>
    public static bool operator >(Fence left, Fence right) => left.Value > right.Value;

    /// <summary>Whether left doesn't come after right.</summary>
    public static bool operator <=(Fence left, Fence right) => left.Value <= right.Value;

    /// <summary>Whether left doesn't come before right.</summary>
    public static bool operator >=(Fence left, Fence right) => left.Value >= right.Value;

    /// <summary>The number in decimal.</summary>
    public override string ToString() => Value.ToString(CultureInfo.InvariantCulture);
}
