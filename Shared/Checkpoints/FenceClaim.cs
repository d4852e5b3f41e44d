using System.Globalization;

namespace Distributed.Checkpoints;

/// <summary>
/// The fence number that a coordinator writes under, claimed for good by an empty file that only one can create: two
/// coordinators that begin at the same moment, on machines that share the folder, get different numbers.
/// </summary>
public sealed class FenceClaim
{
    private const string Prefix = ".fence-";

    private readonly string _folder;

    private FenceClaim(string folder, int number) => (_folder, Number) = (folder, number);

    /// <summary>The number.</summary>
    public int Number { get; }

    /// <summary>Whether nobody has claimed a higher one since.</summary>
    public bool IsHighest => Highest(_folder) <= Number;

    /// <summary>Claims a number above every other claim and every checkpoint in a folder.</summary>
    /// <param name="folder">A folder of checkpoints.</param>
    /// <exception cref="CheckpointException">It can't be written.</exception>
    public static FenceClaim Claim(string folder) => Claim(folder, new DiskStorage());

    internal static FenceClaim Claim(string folder, IStorage storage)
    {
        try
        {
            DurableFolder.Create(folder, storage);
            while (true)
            {
                int number = Highest(folder) + 1;
                if (!storage.TryCreateNew(PathOf(folder, number))) continue;

                // Before lower ones go: a power cut must not bring a number back that somebody writes under.
                storage.SyncFolder(folder);
                foreach (int lower in Claims(folder).Where(claim => claim < number))
                    storage.Delete(PathOf(folder, lower));
                return new FenceClaim(folder, number);
            }
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new CheckpointException($"{folder}: checkpoints can't be written here " +
                $"({error.Message.TrimEnd('.')}); choose a folder with --runs where you may write.", error);
        }
    }

    private static int Highest(string folder) => Math.Max(
        CheckpointFileName.Find(folder) is [{ } newest, ..] ? newest.Fence : 0, Claims(folder).DefaultIfEmpty().Max());

    private static IEnumerable<int> Claims(string folder)
    {
        foreach (string path in Directory.GetFiles(folder, Prefix + "*"))
        {
            string number = Path.GetFileName(path)[Prefix.Length..];
            if (int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out int claim))
                yield return claim;
        }
    }

    private static string PathOf(string folder, int number) =>
        Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"{Prefix}{number:D4}"));
}
