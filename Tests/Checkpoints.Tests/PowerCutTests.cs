using System.Security.Cryptography;
using System.Text;
using Xunit;
using Xunit.Abstractions;

namespace Distributed.Checkpoints.Tests;

/// <summary>
/// The power goes before every operation of a run, and whatever was not synced survives or not, in any combination;
/// first on a disk that works, then on one that fails or shortens each single operation. Always a sound checkpoint is
/// found, none older than the last that was reported as saved, and going on from it gives the same bits.
/// </summary>
public sealed class PowerCutTests(ITestOutputHelper output) : IDisposable
{
    private const string Memory = "/dev/shm";

    private readonly string _scratch = Directory.CreateDirectory(Path.Combine(
        Directory.Exists(Memory) ? Memory : Path.GetTempPath(), $"distributed-power-{Guid.NewGuid():N}")).FullName;

    private readonly HashSet<string> _examined = [];
    private readonly HashSet<long> _foundSteps = [];
    private readonly Random _random = new(1);

    public void Dispose() => Directory.Delete(_scratch, recursive: true);

    [Fact]
    public void APowerCutBeforeEveryOperation()
    {
        Rehearse(faultAt: -1, default, examined: int.MaxValue, chosenAtRandom: 12);
        output.WriteLine($"{_examined.Count} states of the disk");
        Assert.InRange(_examined.Count, 400, int.MaxValue);
        Assert.Equal(Enumerable.Range(0, ToyTraining.Steps + 1).Select(step => (long)step), _foundSteps.Order());
    }

    /// <summary>The power goes before any of the operations after the fault, into the next save, and at the end.
    /// </summary>
    [Theory]
    [InlineData(DiskFault.ErrorBefore)]
    [InlineData(DiskFault.ErrorAfter)]
    [InlineData(DiskFault.ShortWriteAndError)]
    [InlineData(DiskFault.ShortWrite)]
    public void AFaultAtEveryOperationAndThenAPowerCut(DiskFault fault)
    {
        int faultAt = 0, applied = 0;
        while (Rehearse(faultAt, fault, examined: 16, chosenAtRandom: 1) is { HasFailed: true } storage)
        {
            if (storage.WasApplied) applied++;
            faultAt++;
        }

        output.WriteLine($"{applied} faults, {_examined.Count} states of the disk");
        Assert.InRange(faultAt, 100, 1000);
        Assert.InRange(applied, fault is DiskFault.ErrorBefore or DiskFault.ErrorAfter ? faultAt : 40, faultAt);
    }

    private PowerCutStorage Rehearse(int faultAt, DiskFault fault, int examined, int chosenAtRandom)
    {
        string root = Directory.CreateDirectory(Path.Combine(_scratch, "live")).FullName;
        PowerCutStorage storage = new(root, faultAt, fault);
        Rehearsal rehearsal = new(storage, root);
        storage.BeforeOperation = () =>
        {
            if (storage.Operations >= faultAt && storage.Operations - faultAt <= examined) Examine();
        };
        rehearsal.Run();
        Examine();
        Directory.Delete(root, recursive: true);
        return storage;

        void Examine()
        {
            foreach (Fate[] fates in storage.Disk.Fates(_random, chosenAtRandom))
            {
                SortedDictionary<string, object?> survived = storage.Disk.After(fates);
                Expectation expected = new(
                    rehearsal.Saved, rehearsal.SavedBest, rehearsal.Claimed, storage.IsShort);
                if (!_examined.Add(Signature(survived, expected))) continue;
                try
                {
                    Check(survived, expected);
                }
                catch (Exception error)
                {
                    Assert.Fail($"The power went before operation {storage.Operations} ({fault} at {faultAt}: "
                        + $"{storage.FaultedOperation}), of changes not synced {string.Join(' ', fates)}, expected "
                        + $"{expected}, there were {string.Join(", ", survived.Keys)}: {error}");
                }
            }
        }
    }

    private void Check(SortedDictionary<string, object?> survived, Expectation expected)
    {
        string root = Path.Combine(_scratch, "rebooted"), folder = Path.Combine(root, Rehearsal.Folder);
        Directory.CreateDirectory(root);
        Materialise(root, survived);
        CheckPointers(folder, expected);
        CheckpointStore store = new(folder);
        ToyTraining training = ToyTraining.Start();
        using (Checkpoint? latest = store.LatestSound(out IReadOnlyList<string> warnings))
        {
            if (!expected.IsShort) Assert.Empty(warnings);
            if (latest is not null) training = ToyTraining.From(latest);
            CheckpointFileName found = latest is null ? default : new(latest.Step, latest.Fence);
            Assert.True(found.CompareTo(expected.Saved ?? default) >= 0, $"found {found}");
            AssertIsTrajectory(training);
            _foundSteps.Add(training.Step);
            if (latest?.Best is { } best && !(expected.IsShort && store.Best is null))
            {
                Assert.Equal(best, store.Best);
                // The pointer moves away from a broken one with the next save.
                using Checkpoint bestOne = Checkpoint.Open(expected.IsShort ? Path.Combine(folder, best) : folder);
                Assert.Equal(best, Path.GetFileName(bestOne.Path));
                AssertIsTrajectory(ToyTraining.From(bestOne));
                Assert.True(ToyTraining.IsBest(bestOne.Step));
            }
        }

        GoOn(store, training, folder, expected);
        Directory.Delete(root, recursive: true);
    }

    /// <summary>A new coordinator claims a number that nobody has, trains to the end and saves the same bits.</summary>
    private static void GoOn(CheckpointStore store, ToyTraining training, string folder, Expectation expected)
    {
        int fence = FenceClaim.Claim(folder).Number;
        Assert.True(fence > expected.Claimed, $"claimed {fence} again");
        store.Save(training.Content(fence));
        while (training.Step < ToyTraining.Steps) training.Advance();
        store.Save(training.Content(fence));

        using Checkpoint last = Checkpoint.Open(folder, CheckpointChoice.Latest);
        Assert.Equal((ToyTraining.Steps, fence), (last.Step, last.Fence));
        AssertIsTrajectory(ToyTraining.From(last));
        Checkpoint.Open(Path.Combine(folder, CheckpointStore.LatestName)).Dispose();
        Assert.DoesNotContain(
            Directory.GetFiles(folder), path => path.Contains(CheckpointFileName.TemporaryPrefix));
    }

    /// <summary>A pointer that is there opens a sound checkpoint, none older than the last that was saved.</summary>
    private static void CheckPointers(string folder, Expectation expected)
    {
        foreach (string pointer in (string[])[CheckpointStore.LatestName, CheckpointStore.BestName])
        {
            string path = Path.Combine(folder, pointer);
            CheckpointFileName? least = pointer == CheckpointStore.LatestName ? expected.Saved : expected.SavedBest;
            string? target = CheckpointLocator.ReadPointer(path);
            if (least is not null)
            {
                Assert.True(
                    CheckpointFileName.TryParse(target ?? "")?.CompareTo(least.Value) >= 0, $"{pointer} is {target}");
            }

            if (target is null) continue;
            try
            {
                using Checkpoint checkpoint = Checkpoint.Open(path);
                AssertIsTrajectory(ToyTraining.From(checkpoint));
            }
            catch (CheckpointException) when (expected.IsShort)
            {
                // It names the file that the disk shortened, and one sentence says so.
            }
        }
    }

    private static void AssertIsTrajectory(ToyTraining training) =>
        Assert.True(
            ToyTraining.Trajectory[(int)training.Step].AsSpan().SequenceEqual(training.State), "other bits");

    private static void Materialise(string root, SortedDictionary<string, object?> survived)
    {
        foreach ((string name, object? content) in survived)
        {
            string path = Path.Combine(root, name);
            if (content is byte[] bytes) File.WriteAllBytes(path, bytes);
            else if (content is string target) new DiskStorage().CreatePointer(path, target);
            else Directory.CreateDirectory(path);
        }
    }

    private static string Signature(SortedDictionary<string, object?> survived, Expectation expected)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach ((string name, object? content) in survived)
        {
            byte[] bytes = content as byte[] ?? Encoding.UTF8.GetBytes($"{content}");
            hash.AppendData(Encoding.UTF8.GetBytes($"{name}\n{content?.GetType().Name}\n{bytes.Length}\n"));
            hash.AppendData(bytes);
        }

        return $"{Convert.ToHexString(hash.GetHashAndReset())} {expected}";
    }

    /// <summary>What a reboot must find.</summary>
    private sealed record Expectation(
        CheckpointFileName? Saved, CheckpointFileName? SavedBest, int Claimed, bool IsShort);
}
