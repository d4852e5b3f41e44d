namespace Distributed.Checkpoints.Tests;

/// <summary>
/// A run of two coordinators over a storage that may fail: the first trains and saves, the second claims a higher fence
/// and goes on, and the first, which does not know, saves once more beside it. Best ones move, old ones are pruned.
/// </summary>
internal sealed class Rehearsal(PowerCutStorage storage, string root)
{
    private const int HandOver = 5;

    private readonly string _run = Path.Combine(root, "run");

    /// <summary>Where checkpoints are, below the root.</summary>
    public static string Folder { get; } = Path.Combine("run", "checkpoints");

    /// <summary>The newest checkpoint of which a coordinator was told that it is saved; null: none yet.</summary>
    public CheckpointFileName? Saved { get; private set; }

    /// <summary>What it names as the best.</summary>
    public CheckpointFileName? SavedBest { get; private set; }

    /// <summary>The highest number that a coordinator was given.</summary>
    public int Claimed { get; private set; }

    public void Run()
    {
        Twice(() =>
        {
            DurableFolder.Create(_run, storage);
            return true;
        });
        (CheckpointStore first, int firstFence) = Begin();
        ToyTraining stale = ToyTraining.Start();
        Train(first, firstFence, stale, HandOver);

        (CheckpointStore second, int secondFence) = Begin();
        ToyTraining training;
        using (Checkpoint? latest = second.LatestSound(out _))
            training = latest is null ? ToyTraining.Start() : ToyTraining.From(latest);
        Train(second, secondFence, training, HandOver + 2);
        Train(first, firstFence, stale, HandOver + 1);
        Train(second, secondFence, training, ToyTraining.Steps);
    }

    private (CheckpointStore Store, int Fence) Begin()
    {
        string folder = Path.Combine(root, Folder);
        int fence = Twice(() => FenceClaim.Claim(folder, storage)).Number;
        Claimed = Math.Max(Claimed, fence);
        return (Twice(() => new CheckpointStore(folder, storage)), fence);
    }

    private void Train(CheckpointStore store, int fence, ToyTraining training, int until)
    {
        while (training.Step < until)
        {
            training.Advance();
            bool wasShort = storage.IsShort;
            try
            {
                store.Save(training.Content(fence));
            }
            catch (CheckpointException)
            {
                // The run goes on without, and saves the next.
                continue;
            }

            CheckpointFileName saved = new(training.Step, fence);
            if (storage.IsShort != wasShort || saved.CompareTo(Saved ?? default) < 0) continue;
            Saved = saved;
            SavedBest = store.Best is null ? null : CheckpointFileName.TryParse(store.Best);
        }
    }

    /// <summary>Whoever is told that it can't be done tries again; the disk fails once.</summary>
    private static T Twice<T>(Func<T> attempt)
    {
        try
        {
            return attempt();
        }
        catch (Exception error) when (error is CheckpointException or IOException)
        {
            return attempt();
        }
    }
}
