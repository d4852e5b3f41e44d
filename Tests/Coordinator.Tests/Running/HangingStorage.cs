using Distributed.Checkpoints;

namespace Distributed.Coordinator.Tests;

/// <summary>A disk that hangs from a word to another one when a file is created on it.</summary>
internal sealed class HangingStorage : IStorage
{
    private readonly DiskStorage _disk = new();
    private readonly ManualResetEventSlim _answers = new(initialState: true);

    public void Hang() => _answers.Reset();

    public void GoOn() => _answers.Set();

    public Stream Create(string path)
    {
        _answers.Wait();
        return _disk.Create(path);
    }

    public void CreateFolder(string path) => _disk.CreateFolder(path);

    public bool TryCreateNew(string path) => _disk.TryCreateNew(path);

    public void Flush(Stream stream) => _disk.Flush(stream);

    public void Move(string from, string to) => _disk.Move(from, to);

    public void SyncFolder(string folder) => _disk.SyncFolder(folder);

    public void CreatePointer(string path, string target) => _disk.CreatePointer(path, target);

    public void Delete(string path) => _disk.Delete(path);
}
