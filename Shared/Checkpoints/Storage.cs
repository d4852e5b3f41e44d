using System.Text;
using Distributed.Checkpoints.Native;

namespace Distributed.Checkpoints;

/// <summary>
/// Every way in which the store changes the disk, one call each, so that a test can make any of them fail or stop the
/// world after it. A file appears under its final name only by <see cref="Move"/>.
/// </summary>
internal interface IStorage
{
    /// <summary>Creates a folder in one that is there; no error where it is there already.</summary>
    void CreateFolder(string path);

    /// <summary>Creates an empty file; false where there is one of that name.</summary>
    bool TryCreateNew(string path);

    /// <summary>Creates a file, emptying one of that name.</summary>
    Stream Create(string path);

    /// <summary>Returns when everything written to the file is on the disk.</summary>
    void Flush(Stream stream);

    /// <summary>Renames atomically, replacing what was there.</summary>
    void Move(string from, string to);

    /// <summary>Returns when the folder's names are on the disk.</summary>
    void SyncFolder(string folder);

    /// <summary>Makes <paramref name="path"/> name the file <paramref name="target"/> of the same folder.</summary>
    void CreatePointer(string path, string target);

    /// <summary>Removes a file; no error where there is none.</summary>
    void Delete(string path);
}

/// <summary>The real disk.</summary>
internal sealed class DiskStorage : IStorage
{
    public void CreateFolder(string path) => Directory.CreateDirectory(path);

    public bool TryCreateNew(string path)
    {
        try
        {
            new FileStream(path, FileMode.CreateNew, FileAccess.Write).Dispose();
            return true;
        }
        catch (IOException) when (File.Exists(path))
        {
            return false;
        }
    }

    public Stream Create(string path) =>
        new FileStream(path, FileMode.Create, FileAccess.ReadWrite, FileShare.None, bufferSize: 0);

    public void Flush(Stream stream) => ((FileStream)stream).Flush(flushToDisk: true);

    public void Move(string from, string to) => File.Move(from, to, overwrite: true);

    public void SyncFolder(string folder) => FolderSync.Flush(folder);

    public void CreatePointer(string path, string target)
    {
        File.Delete(path);
        if (OperatingSystem.IsWindows())
        {
            // A symbolic link needs a privilege there.
            using FileStream pointer = new(path, FileMode.CreateNew, FileAccess.Write, FileShare.None, bufferSize: 0);
            pointer.Write(Encoding.ASCII.GetBytes(target + "\n"));
            pointer.Flush(flushToDisk: true);
        }
        else
        {
            File.CreateSymbolicLink(path, target);
        }
    }

    public void Delete(string path) => File.Delete(path);
}
