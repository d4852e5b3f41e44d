using Distributed.Data;

namespace Distributed.Coordinator;

/// <summary>
/// What <c>--data</c> and <c>--data-dir</c> name together: a data set of the catalogue and where its files are.
/// <c>--data PATH</c> is short for <c>--data folder --data-dir PATH</c>.
/// </summary>
/// <param name="Name">The data set's name.</param>
/// <param name="Directory">The folder or zip file that its files are in; null: the usual places.</param>
internal readonly record struct DataChoice(string Name, string? Directory)
{
    private const string Folder = "folder";

    /// <summary>Reads both options.</summary>
    /// <param name="data">What <c>--data</c> says.</param>
    /// <param name="directory">What <c>--data-dir</c> says; null: nothing.</param>
    /// <param name="mistake">Makes the exception for a sentence about <c>--data</c>.</param>
    public static DataChoice Of(string data, string? directory, Func<string, Exception> mistake)
    {
        string? name = DatasetCatalogue.Names.FirstOrDefault(
            known => string.Equals(known, data, StringComparison.OrdinalIgnoreCase));
        if (name is not null) return new DataChoice(name, directory);
        if (!Path.Exists(data))
        {
            throw mistake($"expected one of {string.Join(", ", DatasetCatalogue.Names)}, or an existing folder or " +
                $"zip file of images, got '{data}'");
        }

        return directory is null ? new DataChoice(Folder, data)
            : throw mistake($"'{data}' says already where the images are; leave --data-dir out");
    }

    /// <summary>A name for a run on these data: that of the folder or zip file where it is one.</summary>
    public string ShortName
    {
        get
        {
            if (Name != Folder || Directory is null) return Name;
            string last = Path.GetFileNameWithoutExtension(Path.TrimEndingDirectorySeparator(
                Path.GetFullPath(Directory)));
            string letters = string.Concat(last.Where(letter => char.IsLetterOrDigit(letter) || letter is '-' or '_'));
            return letters.Length > 0 ? letters : Name;
        }
    }
}
