namespace Distributed.Simulation;

/// <summary>A plausible mistake in the product's source: one piece of text instead of another.</summary>
/// <param name="Name">What was forgotten.</param>
/// <param name="File">The source file, from the repository's root.</param>
/// <param name="Original">The right text; it stands in the file exactly once.</param>
/// <param name="Wrong">The wrong one.</param>
internal sealed record Mutant(string Name, string File, string Original, string Wrong)
{
    private const string Coordinator = "Shared/Roles/Coordinator/CoordinatorRole";
    private const string Server = "Shared/Roles/ParameterServer/ParameterServerRole.cs";
    private const string Worker = "Shared/Roles/Worker/WorkerRole.cs";
    private const string Tree = "Shared/Roles/ReductionTree.cs";
    private const string Store = "Shared/Checkpoints/CheckpointStore.cs";

    public static IReadOnlyList<Mutant> All { get; } =
    [
        new("the parameter server forgets the fence", Server,
            "!_collecting || header.Fence != _fence || header.Step != _step", "!_collecting || header.Step != _step"),
        new("the parameter server forgets the step", Server,
            "!_collecting || header.Fence != _fence || header.Step != _step", "!_collecting || header.Fence != _fence"),
        new("a duplicate is missed", Tree,
            "        if (index < _held.Count && _held[index].Node.Contains(node)) return OfferOutcome.Duplicate;\n",
            ""),
        new("a part of a node that is held is added again", Tree,
            "_held[index].Node.Contains(node)) return OfferOutcome.Duplicate;",
            "_held[index].Node == node) return OfferOutcome.Duplicate;"),
        new("left and right are exchanged", Tree,
            "operations.Add(new BufferOperation(true, l.Buffer, r.Buffer));",
            "operations.Add(new BufferOperation(true, r.Buffer, l.Buffer));"),
        new("the tree splits in halves", "Shared/Protocol/Ids/TreeNode.cs",
            "Start + (1 << BitOperations.Log2((uint)(Count - 1)))", "Start + Count / 2"),
        new("off by one where the tree splits", "Shared/Protocol/Ids/TreeNode.cs",
            "Start + (1 << BitOperations.Log2((uint)(Count - 1)))",
            "Start + Math.Max(1, (1 << BitOperations.Log2((uint)(Count - 1))) - 1)"),
        new("off by one where a range ends", Coordinator + ".Training.cs",
            "Assign(_dealtTo[i], _cuts[i], _cuts[i + 1]);",
            "Assign(_dealtTo[i], _cuts[i], Math.Max(_cuts[i], _cuts[i + 1] - (i > 0 ? 1 : 0)));"),
        new("a lease is not renewed", Coordinator + ".Workers.cs",
            "        worker.LastHeard = now;\n", ""),
        new("an evaluation's parts are lost with their worker", Coordinator + ".Workers.cs",
            "_evaluation?.Return(part);", "_ = part;"),
        new("how often the rate was reduced is forgotten", Coordinator + ".cs",
            "_reductions = settings.Plateau?.Reductions(progress.History) ?? 0;", "_reductions = 0;"),
        new("two checkpoints at a time", Coordinator + ".Saving.cs", "|| _saving) return;", ") return;"),
        new("the ledger is not closed", Coordinator + ".cs", "            EpochSamples = 0,\n", ""),
        new("a worker computes under old parameters", Worker,
            "if (_stepVersion != version) return false;", ""),
        new("parameters are exchanged under a thread that computes", Worker,
            "_preparing || !IsIdle) return;", "_preparing) return;"),
        new("a pushed gradient is given back twice", Worker,
            "            _owed[i] = owed with { IsPushed = true };\n", ""),
        new("a checkpoint's name and the pointer to it are moved before its bytes are flushed", Store,
            "        _storage.Flush(stream);\n", ""),
        new("a fence is claimed twice", "Shared/Checkpoints/FenceClaim.cs",
            "int number = Highest(folder) + 1;\n"
            + "                if (!storage.TryCreateNew(PathOf(folder, number))) continue;",
            "int number = Math.Max(1, Highest(folder)); storage.TryCreateNew(PathOf(folder, number));"),
        new("readers take the highest step, not the highest fence", "Shared/Checkpoints/CheckpointFileName.cs",
            "(Fence, Step).CompareTo((other.Fence, other.Step))", "(Step, Fence).CompareTo((other.Step, other.Fence))"),
    ];
}
