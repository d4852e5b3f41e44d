using Xunit;

namespace Distributed.Checkpoints.Tests;

/// <summary>What the store keeps, names and finds again.</summary>
public sealed class CheckpointStoreTests : IDisposable
{
    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void OpensWhatItSaved()
    {
        SavedCheckpoint saved = new CheckpointStore(_folder.Path).Save(Samples.Content(1234, fence: 2, best: true));
        using Checkpoint checkpoint = Checkpoint.Open(saved.Path);

        Assert.Equal(_folder.File("step-00001234-fence-0002.safetensors"), saved.Path);
        Assert.Equal(new FileInfo(saved.Path).Length, saved.Bytes);
        Assert.Equal(saved.Bytes, checkpoint.Length);
        Assert.Equal((1234, 123, 2), (checkpoint.Step, checkpoint.Epoch, checkpoint.Fence));
        Assert.Equal(Samples.Name(1234, 2), checkpoint.Best);
        Assert.Equal(Samples.Content(1234).Metadata, checkpoint.Metadata);
        Assert.Equal(WeightsHash.Compute(Samples.Content(1234).Tensors), checkpoint.WeightsSha256);
        Assert.Equal(saved.WeightsSha256, checkpoint.WeightsSha256);
        Assert.Equal(
            ["0.bias", "0.weight", "optimizer.momentum.0.weight"], checkpoint.Tensors.Select(tensor => tensor.Name));
        Assert.Equal([2, 3], checkpoint.Find("0.weight")!.Shape);
        Assert.Equal([1234, 1, 2, 3, 4, 5], Samples.Read(checkpoint, "0.weight"));
        Assert.Equal([-1, 1234], Samples.Read(checkpoint, "0.bias"));
        Assert.Equal([0, 1, 2, 3, 4, 6], Samples.Read(checkpoint, "optimizer.momentum.0.weight"));
    }

    [Fact]
    public void AsksForEachTensorOnceAndKeepsItsMemory()
    {
        CheckpointStore store = new(_folder.Path);
        int asked = 0;
        CheckpointContent content = new()
        {
            Step = 1,
            Epoch = 0,
            Fence = 1,
            Tensors = [new TensorSource("a", [1 << 20], values =>
            {
                asked++;
                values.Fill(asked);
            })],
        };
        store.Save(content);
        long before = GC.GetAllocatedBytesForCurrentThread();
        store.Save(content with { Step = 2 });

        Assert.Equal(2, asked);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 18);
    }

    [Fact]
    public void KeepsTheLastThreeAndTheBest()
    {
        CheckpointStore store = new(_folder.Path);
        for (long step = 1; step <= 6; step++)
        {
            store.Save(Samples.Content(step, best: step == 2));
        }

        AssertKept(2, 4, 5, 6);
        Assert.Equal(Samples.Name(2), store.Best);

        // Now 7 is the best, but 5 and 6 still name 2: one of them may be resumed.
        store.Save(Samples.Content(7, best: true));
        AssertKept(2, 5, 6, 7);
        store.Save(Samples.Content(8));
        store.Save(Samples.Content(9));
        AssertKept(7, 8, 9);
    }

    [Fact]
    public void RetentionKnowsWhatAnEarlierProcessSaved()
    {
        CheckpointStore first = new(_folder.Path);
        for (long step = 1; step <= 4; step++)
        {
            first.Save(Samples.Content(step, best: step == 1));
        }

        // The second process has not looked for a checkpoint to resume, but 3 and 4 name 1.
        new CheckpointStore(_folder.Path).Save(Samples.Content(5, best: true));
        AssertKept(1, 3, 4, 5);
    }

    [Fact]
    public void PointersFollowAndAreRelative()
    {
        CheckpointStore store = new(_folder.Path);
        store.Save(Samples.Content(1, best: true));
        store.Save(Samples.Content(2));
        Assert.Equal(Samples.Name(2), CheckpointLocator.ReadPointer(_folder.File("latest")));
        Assert.Equal(Samples.Name(1), CheckpointLocator.ReadPointer(_folder.File("best")));
        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(Samples.Name(2), new FileInfo(_folder.File("latest")).LinkTarget);
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void OpensFilesPointersFoldersAndRuns(bool pointerFiles)
    {
        string checkpoints = Directory.CreateDirectory(_folder.File("checkpoints")).FullName;
        CheckpointStore store = new(checkpoints);
        store.Save(Samples.Content(1, best: true));
        store.Save(Samples.Content(2));
        if (pointerFiles)
        {
            foreach (string pointer in new[] { "latest", "best" })
            {
                string path = Path.Combine(checkpoints, pointer);
                string target = CheckpointLocator.ReadPointer(path)!;
                File.Delete(path);
                File.WriteAllText(path, target + "\r\n");
            }
        }

        Assert.Equal(2, Step(Path.Combine(checkpoints, Samples.Name(2)), CheckpointChoice.Best));
        Assert.Equal(2, Step(Path.Combine(checkpoints, "latest"), CheckpointChoice.Best));
        Assert.Equal(1, Step(Path.Combine(checkpoints, "best"), CheckpointChoice.Latest));
        foreach (string folder in new[] { checkpoints, _folder.Path, _folder.Path + "/" })
        {
            Assert.Equal(1, Step(folder, CheckpointChoice.Best));
            Assert.Equal(2, Step(folder, CheckpointChoice.Latest));
            using SafeTensorsFile weights = Checkpoint.OpenWeights(folder);
            Assert.Equal("1", weights.Metadata["step"]);
        }

        // A writer replaces a pointer of either form.
        store.Save(Samples.Content(3, best: true));
        Assert.Equal(3, Step(Path.Combine(checkpoints, "best"), CheckpointChoice.Best));
    }

    [Fact]
    public void TheHighestFenceWins()
    {
        CheckpointStore stale = new(_folder.Path), current = new(_folder.Path);
        stale.Save(Samples.Content(50, fence: 1, best: true));
        current.Save(Samples.Content(10, fence: 2, best: true));
        stale.Save(Samples.Content(60, fence: 1, best: true));

        using Checkpoint latest = Checkpoint.LatestSound(_folder.Path, out IReadOnlyList<string> warnings)!;
        Assert.Equal((10, 2), (latest.Step, latest.Fence));
        Assert.Empty(warnings);
        Assert.Equal(Samples.Name(10, 2), CheckpointLocator.ReadPointer(_folder.File("latest")));
        Assert.Equal(Samples.Name(10, 2), CheckpointLocator.ReadPointer(_folder.File("best")));
        Assert.Equal(3, FenceClaim.Claim(_folder.Path).Number);
    }

    [Fact]
    public void ABrokenOneTakesNoSoundOnesPlace()
    {
        CheckpointStore store = new(_folder.Path);
        for (long step = 1; step <= 3; step++) store.Save(Samples.Content(step));
        File.WriteAllBytes(_folder.File(Samples.Name(3)), [1, 2, 3]);

        CheckpointStore next = new(_folder.Path);
        next.LatestSound(out _)!.Dispose();
        next.Save(Samples.Content(2, fence: 2));
        Assert.Equal(
            [Samples.Name(2, 2), Samples.Name(2), Samples.Name(1)],
            CheckpointFileName.Find(_folder.Path).Select(name => name.ToString()));
    }

    [Fact]
    public void FallsBackToTheNewestSoundOneAndSaysSo()
    {
        CheckpointStore store = new(_folder.Path);
        for (long step = 1; step <= 3; step++)
        {
            store.Save(Samples.Content(step, best: step == 1));
        }

        string flipped = _folder.File(Samples.Name(3)), cut = _folder.File(Samples.Name(2));
        byte[] content = File.ReadAllBytes(flipped);
        content[^5] ^= 1;
        File.WriteAllBytes(flipped, content);
        File.WriteAllBytes(cut, File.ReadAllBytes(cut)[..^1]);

        CheckpointStore next = new(_folder.Path);
        using Checkpoint latest = next.LatestSound(out IReadOnlyList<string> warnings)!;
        Assert.Equal(1, latest.Step);
        Assert.Equal(Samples.Name(1), next.Best);
        Assert.Equal(
            [
                $"{flipped}: tensor 'optimizer.momentum.0.weight' does not match its hash, so the file is broken; " +
                    "use another checkpoint.",
                $"{cut}: the file is cut off: its tensors need 56 bytes but 55 are there; use another checkpoint.",
            ],
            warnings);
        File.WriteAllText(_folder.File(Samples.Name(1)), "");
        Assert.Null(next.LatestSound(out warnings));
        Assert.Equal(3, warnings.Count);
        Assert.Null(next.Best);
        Assert.StartsWith($"{_folder.Path}: none of the 3 checkpoints is sound; the newest: {flipped}: tensor",
            Assert.Throws<CheckpointException>(() => Checkpoint.Open(_folder.Path)).Message, StringComparison.Ordinal);
    }

    /// <summary>Steps are done again, rather than that the run ends with other best parameters.</summary>
    [Fact]
    public void ResumingGoesBackToACheckpointWhoseBestIsSound()
    {
        CheckpointStore store = new(_folder.Path);
        for (int step = 1; step <= 4; step++) store.Save(Samples.Content(step, best: step is 2 or 3));
        File.WriteAllText(_folder.File(Samples.Name(3)), "");
        CheckpointStore next = new(_folder.Path);
        using (Checkpoint latest = next.LatestSound(out IReadOnlyList<string> warnings)!)
        {
            Assert.Equal((2, Samples.Name(2)), (latest.Step, next.Best));
            Assert.Equal([$"{_folder.File(Samples.Name(3))}: the file is empty; use another checkpoint."], warnings);
        }

        next.Save(Samples.Content(3));
        Assert.Equal([Samples.Name(3), Samples.Name(2)], CheckpointFileName.Find(_folder.Path).Select(n => $"{n}"));
        Assert.Equal(Samples.Name(2), CheckpointLocator.ReadPointer(_folder.File(CheckpointStore.BestName)));
    }

    [Fact]
    public void AStaleWriterRemovesNothing()
    {
        CheckpointStore store = new(_folder.Path);
        for (int step = 1; step <= 3; step++) store.Save(Samples.Content(step));
        new CheckpointStore(_folder.Path).Save(Samples.Content(2, fence: 2));
        IEnumerable<string> before = [.. CheckpointFileName.Find(_folder.Path).Select(name => $"{name}")];
        store.Save(Samples.Content(4));
        Assert.Equal(
            before.Append(Samples.Name(4)).Order(),
            CheckpointFileName.Find(_folder.Path).Select(name => $"{name}").Order());
        Assert.Equal(Samples.Name(2, 2), CheckpointLocator.ReadPointer(_folder.File(CheckpointStore.LatestName)));
    }

    [Fact]
    public void ABestThatThisRunKnowsNothingOfIsNotNamed()
    {
        new CheckpointStore(_folder.Path).Save(Samples.Content(1, best: true));
        CheckpointStore next = new(_folder.Path);
        next.Save(Samples.Content(1, fence: 2)); // begun before that one was there
        Assert.Null(CheckpointLocator.ReadPointer(_folder.File(CheckpointStore.BestName)));
    }

    [Fact]
    public void ResumingTakesOverTheBestOnlyWhereItIsSound()
    {
        CheckpointStore store = new(_folder.Path);
        store.Save(Samples.Content(1, best: true));
        store.Save(Samples.Content(2));
        CheckpointStore next = new(_folder.Path);
        next.LatestSound(out IReadOnlyList<string> warnings)!.Dispose();
        Assert.Equal(Samples.Name(1), next.Best);
        Assert.Empty(warnings);

        File.WriteAllText(_folder.File(Samples.Name(1)), "");
        next.LatestSound(out warnings)!.Dispose();
        Assert.Null(next.Best);
        Assert.Equal([$"{_folder.File(Samples.Name(1))}: the file is empty; use another checkpoint."], warnings);
    }

    [Theory]
    [InlineData("step-00000001-fence-0001.safetensors", true)]
    [InlineData("step-123456789-fence-12345.safetensors", true)]
    [InlineData("step-000000001-fence-0001.safetensors", false)]
    [InlineData("step-1-fence-1.safetensors", false)]
    [InlineData(".temporary-step-00000001-fence-0001.safetensors", false)]
    [InlineData("step-00000001-fence-0001.safetensors\n", false)]
    [InlineData("step-99999999999999999999-fence-0001.safetensors", false)]
    public void FileNamesAreReadStrictly(string name, bool valid)
    {
        Assert.Equal(valid, CheckpointFileName.TryParse(name) is not null);
        if (valid)
        {
            Assert.Equal(name, CheckpointFileName.TryParse(name).ToString());
        }
    }

    [Fact]
    public void OpeningRemovesWhatACrashedWriterLeft()
    {
        _folder.Write(".temporary-" + Samples.Name(7), 1, 2, 3);
        _folder.Write(".temporary-latest", 1);
        _folder.Write("notes.txt", 1);
        Assert.Null(new CheckpointStore(_folder.Path).Best);
        Assert.Equal(["notes.txt"], _folder.Names);
    }

    [Fact]
    public void SaysThatTheFolderCannotBeWritten()
    {
        string path = Path.Combine(_folder.Write("file", 1), "in");
        Assert.Contains("checkpoints can't be written here",
            Assert.Throws<CheckpointException>(() => new CheckpointStore(path)).Message, StringComparison.Ordinal);
    }

    private void AssertKept(params long[] steps) =>
        Assert.Equal(["best", "latest", .. steps.Select(step => Samples.Name(step))], _folder.Names);

    private static long Step(string path, CheckpointChoice choice)
    {
        using Checkpoint checkpoint = Checkpoint.Open(path, choice);
        return checkpoint.Step;
    }
}
