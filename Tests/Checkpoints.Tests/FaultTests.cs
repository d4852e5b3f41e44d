using System.Diagnostics;
using Xunit;

namespace Distributed.Checkpoints.Tests;

/// <summary>Crashes and full disks at every operation of a save.</summary>
public sealed class FaultTests : IDisposable
{
    private const int NoSpace = 28;

    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    /// <summary>The order is the promise: data on the disk before its name, its name before the pointers.</summary>
    [Fact]
    public void TheOrderOfOperations()
    {
        FaultyStorage storage = new();
        CheckpointStore store = new(_folder.Path, storage);
        for (long step = 1; step <= 4; step++)
        {
            storage.Log.Clear();
            store.Save(Samples.Content(step, best: step != 2));
        }

        Assert.Equal(
            [
                $"create .temporary-{Samples.Name(4)}", "write", "flush",
                $"move .temporary-{Samples.Name(4)} to {Samples.Name(4)}", "sync folder",
                $"point .temporary-latest to {Samples.Name(4)}", "move .temporary-latest to latest",
                $"point .temporary-best to {Samples.Name(4)}", "move .temporary-best to best", "sync folder",
            ],
            storage.Log.Take(10));
        storage.Log.Clear();
        store.Save(Samples.Content(5));
        Assert.Equal(
            ["sync folder", $"delete {Samples.Name(2)}", $"delete {Samples.Name(1)}"], storage.Log.TakeLast(3));
    }

    /// <summary>A crash at each operation of a save: the next process finds the old or the new checkpoint.</summary>
    [Fact]
    public void ACrashAnywhereLeavesASoundCheckpoint()
    {
        (int first, int end) = OperationsOfASave();
        Assert.InRange(end - first, 10, 100);
        HashSet<long> resumed = [];
        for (int failAt = first; failAt < end; failAt++)
        {
            using TestFolder folder = new();
            Prepare(folder);
            CheckpointStore dying = new(folder.Path, new FaultyStorage(failAt, () => new CrashException()));
            dying.LatestSound(out _)!.Dispose();
            Assert.Throws<CrashException>(() => dying.Save(Samples.Content(5, best: true)));

            CheckpointStore next = new(folder.Path);
            using (Checkpoint latest = next.LatestSound(out IReadOnlyList<string> warnings)!)
            {
                Assert.Empty(warnings);
                Assert.Equal(latest.Step == 5 ? Samples.Name(5) : Samples.Name(2), latest.Best);
                Assert.Equal([latest.Step, 1, 2, 3, 4, 5], Samples.Read(latest, "0.weight"));
                resumed.Add(latest.Step);
            }

            using (Checkpoint best = Checkpoint.Open(folder.Path))
            {
                Assert.Contains(best.Step, new long[] { 2, 5 });
            }

            Checkpoint.Open(folder.File("latest")).Dispose();
            Checkpoint.Open(folder.File("best")).Dispose();
            next.Save(Samples.Content(5, best: true));
            Assert.Equal(
                ["best", "latest", Samples.Name(2), Samples.Name(3), Samples.Name(4), Samples.Name(5)], folder.Names);
            Assert.Equal(Samples.Name(5), CheckpointLocator.ReadPointer(folder.File("latest")));
        }

        Assert.Equal([4, 5], resumed.Order());
    }

    /// <summary>An operation fails but the process lives: nothing half-written stays, and it can go on.</summary>
    [Fact]
    public void AnErrorAnywhereIsOneSentenceAndTheNextSaveWorks()
    {
        (int first, int end) = OperationsOfASave();
        for (int failAt = first; failAt < end; failAt++)
        {
            using TestFolder folder = new();
            Prepare(folder);
            CheckpointStore store = new(folder.Path, new FaultyStorage(failAt, () => new IOException("Broken disk.")));
            store.LatestSound(out _)!.Dispose();
            try
            {
                store.Save(Samples.Content(5, best: true));
            }
            catch (CheckpointException error)
            {
                Assert.StartsWith(folder.File(Samples.Name(5)), error.Message, StringComparison.Ordinal);
                Assert.Contains("(Broken disk)", error.Message, StringComparison.Ordinal);
            }

            Assert.DoesNotContain(folder.Names, name => name.Contains(Samples.Name(5), StringComparison.Ordinal)
                && name.StartsWith('.'));
            Checkpoint.LatestSound(folder.Path, out IReadOnlyList<string> warnings)!.Dispose();
            Assert.Empty(warnings);
            store.Save(Samples.Content(6, best: true));
            Assert.Equal(Samples.Name(6), CheckpointLocator.ReadPointer(folder.File("best")));
        }
    }

    [Fact]
    public void AFullDiskKeepsThePreviousCheckpointAndSaysSo()
    {
        new CheckpointStore(_folder.Path).Save(Samples.Content(1));
        string[] before = [.. _folder.Names];
        CheckpointStore store = new(_folder.Path, new FaultyStorage(5, () => new IOException("No space", NoSpace)));
        string message = Assert.Throws<CheckpointException>(() => store.Save(Samples.Content(2))).Message;
        Assert.Equal($"{_folder.File(Samples.Name(2))}: the disk is full; this checkpoint needs 1 KB and was not " +
            "saved, the previous one stays; free some space.", message);
        Assert.Equal(before, _folder.Names);
    }

    [SmallDiskFact]
    public void AReallyFullDiskKeepsThePreviousCheckpoint()
    {
        using SmallDisk disk = new(_folder.Path);
        CheckpointStore store = new(disk.Path);
        store.Save(Large(1));
        string message = Assert.Throws<CheckpointException>(() => store.Save(Large(2))).Message;
        Assert.Equal($"{Path.Combine(disk.Path, Samples.Name(2))}: the disk is full; this checkpoint needs 257 KB " +
            "and was not saved, the previous one stays; free some space.", message);
        Assert.Equal(["latest", Samples.Name(1)], Directory.GetFiles(disk.Path).Select(Path.GetFileName).Order());
        Checkpoint.Open(disk.Path).Dispose();
    }

    private static CheckpointContent Large(long step) => new()
    {
        Step = step,
        Epoch = 0,
        Fence = 1,
        Tensors = [new TensorSource("a", [1 << 16], values => values.Fill(step))],
    };

    private static void Prepare(TestFolder folder)
    {
        CheckpointStore store = new(folder.Path);
        for (long step = 1; step <= 4; step++)
        {
            store.Save(Samples.Content(step, best: step <= 2));
        }
    }

    /// <summary>The first and the one after the last; before it the store opens the folder.</summary>
    private static (int First, int End) OperationsOfASave()
    {
        using TestFolder folder = new();
        Prepare(folder);
        FaultyStorage storage = new();
        CheckpointStore store = new(folder.Path, storage);
        int first = storage.Operations;
        store.LatestSound(out _)!.Dispose();
        store.Save(Samples.Content(5, best: true));
        return (first, storage.Operations);
    }
}

/// <summary>Runs where a small file system in memory can be mounted (Linux, as root).</summary>
public sealed class SmallDiskFactAttribute : FactAttribute
{
    public SmallDiskFactAttribute()
    {
        using TestFolder folder = new();
        try
        {
            new SmallDisk(folder.Path).Dispose();
        }
        catch (InvalidOperationException error)
        {
            Skip = $"needs to mount a small tmpfs: {error.Message}";
        }
    }
}

/// <summary>A file system of 400 KB.</summary>
internal sealed class SmallDisk : IDisposable
{
    public SmallDisk(string parent)
    {
        Path = Directory.CreateDirectory(System.IO.Path.Combine(parent, "disk")).FullName;
        Run("mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", Path);
    }

    public string Path { get; }

    public void Dispose() => Run("umount", Path);

    private static void Run(string program, params string[] arguments)
    {
        try
        {
            ProcessStartInfo start = new(program, arguments) { RedirectStandardError = true };
            using Process process = Process.Start(start)!;
            string error = process.StandardError.ReadToEnd();
            process.WaitForExit();
            if (process.ExitCode != 0)
            {
                throw new InvalidOperationException(error.Trim());
            }
        }
        catch (System.ComponentModel.Win32Exception error)
        {
            throw new InvalidOperationException(error.Message, error);
        }
    }
}
