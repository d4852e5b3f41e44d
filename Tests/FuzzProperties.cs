using Distributed.Fuzz;
using FsCheck;
using FsCheck.Fluent;

namespace Distributed.Tests;

/// <summary>
/// Properties that every reader of bytes from outside has: whatever comes, it accepts it or refuses it in one clear
/// sentence, soon and without more memory than it may ask for. FsCheck draws the inputs, makes one that fails smaller,
/// and says with which seed to draw it again.
/// </summary>
internal static class FuzzProperties
{
    private const int MostEdits = 8;
    private static readonly TimeSpan Deadline = TimeSpan.FromMinutes(1);

    /// <summary>A valid input with changes.</summary>
    private sealed record Case(int Seed, IReadOnlyList<Edit> Edits)
    {
        public byte[] Input(FuzzTarget target) =>
            Mutator.Apply(target.Seeds[Seed], Edits, target, target.Seeds);

        public IEnumerable<Case> Smaller() =>
            Edits.Select((_, index) => this with { Edits = [.. Edits.Take(index), .. Edits.Skip(index + 1)] });
    }

    /// <summary>Requires the properties of a reader, for changed valid inputs and for arbitrary bytes.</summary>
    /// <param name="target">The reader.</param>
    /// <param name="count">How many inputs of each kind.</param>
    public static void Hold(FuzzTarget target, int count)
    {
        foreach (byte[] seed in target.Seeds)
        {
            string? complaint = Judge.Complaint(target, seed, out _);
            if (complaint is not null) throw new InvalidOperationException($"A valid input: {complaint}");
        }

        Gen<int> number = Gen.Choose(0, int.MaxValue);
        Gen<Edit> edit = number.Four().Select(four => new Edit(four.Item1, four.Item2, four.Item3, four.Item4));
        Gen<Case> changed = Gen.Choose(0, target.Seeds.Count - 1).SelectMany(
            _ => Gen.Choose(1, MostEdits).SelectMany(edits => edit.ArrayOf(edits)),
            (seed, edits) => new Case(seed, edits));
        Soon(Prop.ForAll(Arb.From(changed, each => each.Smaller()), each => Fine(target, each.Input(target))), count);
        Soon(Prop.ForAll<byte[]>(ArbMap.Default.ArbFor<byte[]>(), bytes => Fine(target, bytes)), count);
    }

    /// <summary>Requires a property of arbitrary values, before the deadline.</summary>
    public static void Soon(Property property, int count)
    {
        Task checking = Task.Run(() => property.Check(Config.QuickThrowOnFailure.WithMaxTest(count)));
        if (!checking.Wait(Deadline)) throw new TimeoutException("An input was not answered in time.");
    }

    private static Property Fine(FuzzTarget target, byte[] input)
    {
        string? complaint = Judge.Complaint(target, input, out _);
        return (complaint is null).Label($"{complaint} of {Convert.ToHexString(input)}");
    }
}
