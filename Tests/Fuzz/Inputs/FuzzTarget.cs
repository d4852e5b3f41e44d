namespace Distributed.Fuzz;

/// <summary>How a reader took an input.</summary>
/// <param name="IsAccepted">Whether all of it, or any part of it, was taken.</param>
/// <param name="Refusals">A sentence for each part that was not.</param>
internal readonly record struct Outcome(bool IsAccepted, params IReadOnlyList<string> Refusals)
{
    public static Outcome Accepted { get; } = new(true);

    public static Outcome Refused(string sentence) => new(false, sentence);

    /// <summary>Runs readers one after the other.</summary>
    /// <param name="sentence">The sentence of a typed exception; null for any other exception.</param>
    /// <param name="readers">The readers.</param>
    public static Outcome Of(Func<Exception, string?> sentence, params ReadOnlySpan<Action> readers)
    {
        List<string> refusals = [];
        foreach (Action reader in readers)
        {
            try
            {
                reader();
            }
            catch (Exception error) when (sentence(error) is not null)
            {
                refusals.Add(sentence(error)!);
            }
        }

        return new Outcome(refusals.Count < readers.Length, refusals);
    }
}

/// <summary>
/// A reader of bytes from outside, run on one input at a time. Shared by the fuzz program and the property tests.
/// </summary>
internal abstract class FuzzTarget : IDisposable
{
    private IReadOnlyList<byte[]>? _seeds;

    /// <summary>Its name on the command line.</summary>
    public abstract string Name { get; }

    /// <summary>Valid inputs, made by the product's own writers where it has one.</summary>
    public IReadOnlyList<byte[]> Seeds => _seeds ??= [.. MakeSeeds()];

    /// <summary>Words of the format, to be put where chance would not.</summary>
    public virtual IReadOnlyList<byte[]> Words => [];

    /// <summary>What every refusal must name, such as the file; empty: nothing.</summary>
    public virtual string Place => "";

    /// <summary>Whether the reader works on other threads too, so that all of the process's memory counts.</summary>
    public virtual bool UsesThreads => false;

    /// <summary>The most managed bytes that reading an input of this length may allocate.</summary>
    public abstract long MostAllocated(int length);

    /// <summary>The most bytes by which the process may grow meanwhile; null: only managed memory is looked at, as the
    /// reader asks for no other.</summary>
    public virtual long? MostGrowth => null;

    /// <summary>Runs the product's reader: accepted, or refused by its typed exception or error value. Any other
    /// exception is a finding.</summary>
    public abstract Outcome Read(byte[] input);

    /// <summary>Puts checksums and lengths right again, so that what was changed gets past them.</summary>
    public virtual byte[] Repair(byte[] input) => input;

    /// <inheritdoc/>
    public virtual void Dispose()
    {
    }

    protected abstract IEnumerable<byte[]> MakeSeeds();
}

/// <summary>A target that reads a file.</summary>
internal abstract class FileTarget : FuzzTarget
{
    private readonly string _folder = Directory.CreateTempSubdirectory("distributed-fuzz-").FullName;

    /// <summary>A file of the target's own folder.</summary>
    protected string Within(string name) => Path.Combine(_folder, name);

    public override string Place => _folder;

    public override void Dispose() => Directory.Delete(_folder, recursive: true);
}
