using Distributed.Checkpoints;
using Distributed.Coordinator;
using Distributed.Data;
using Distributed.Execution;
using Distributed.Learning;
using RunSamples = Distributed.Coordinator.Tests.RunSamples;

namespace Distributed.Fuzz;

/// <summary>A run's checkpoint, verified, and opened to evaluate and to predict with.</summary>
internal sealed class RunCheckpointTarget : FileTarget
{
    public override string Name => "run-checkpoint";

    public override IReadOnlyList<byte[]> Words { get; } =
    [
        .. CheckpointFile.Words, .. JsonWords.Specification.Select(word =>
            (byte[])[.. word.SelectMany(letter => letter == '"' ? "\\\""u8.ToArray() : [letter])]),
    ];

    public override long MostAllocated(int length) => (8 << 20) + (1000L * length);

    public override long? MostGrowth => 64 << 20;

    public override Outcome Read(byte[] input)
    {
        string path = Within("file.safetensors");
        File.WriteAllBytes(path, input);
        return Outcome.Of(
            error => error is CheckpointException or SpecificationException or ModelException or DataException
                ? error.Message : null,
            () =>
            {
                if (new Verification(path).Broken is [var sentence, ..]) throw new CheckpointException(sentence);
            },
            () => TrainedModel.Open(path).Dispose());
    }

    public override byte[] Repair(byte[] input) => CheckpointFile.Repair(input);

    protected override IEnumerable<byte[]> MakeSeeds()
    {
        RunSpecification specification = RunSamples.Specification();
        using ParameterStore store = new(specification, 1);
        RunSamples.Fill(store, 1);
        CheckpointStore checkpoints = new(Within("checkpoints"));
        RunSamples.Save(checkpoints, store, specification, RunSamples.Progress(2, 1, 1), isBest: true);
        yield return File.ReadAllBytes(Directory.GetFiles(Within("checkpoints"), "step-*")[0]);
    }
}
