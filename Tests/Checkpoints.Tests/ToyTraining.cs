namespace Distributed.Checkpoints.Tests;

/// <summary>A training of a few floats whose every state follows from the one before and the number of the step.
/// </summary>
internal sealed class ToyTraining
{
    public const int Steps = 9;
    private const int Length = 40;

    private readonly float[] _weights = new float[Length], _momentum = new float[Length];

    private ToyTraining()
    {
        for (int i = 0; i < Length; i++) _weights[i] = 1f / (i + 1);
    }

    /// <summary>Steps done.</summary>
    public long Step { get; private set; }

    /// <summary>Where the training stands after each step, if nothing ever stops it.</summary>
    public static IReadOnlyList<float[]> Trajectory { get; } = Undisturbed();

    public float[] State => [.. _weights, .. _momentum];

    public static ToyTraining Start() => new();

    public static ToyTraining From(Checkpoint checkpoint)
    {
        ToyTraining training = new() { Step = checkpoint.Step };
        checkpoint.Read("weights", training._weights);
        checkpoint.Read("optimizer.momentum.weights", training._momentum);
        return training;
    }

    public static bool IsBest(long step) => step is 1 or 3 or 6;

    public void Advance()
    {
        Step++;
        for (int i = 0; i < Length; i++)
        {
            float gradient = _weights[i] * _weights[(i + 7) % Length] + (Step % 3 - 0.75f) / (i + 3);
            _momentum[i] = 0.9f * _momentum[i] + gradient;
            _weights[i] -= 0.05f * _momentum[i];
        }
    }

    public CheckpointContent Content(int fence) => new()
    {
        Step = Step,
        Epoch = (int)(Step / 4),
        Fence = fence,
        IsBest = IsBest(Step),
        Metadata = new Dictionary<string, string> { ["ledger"] = $"applied {Step}" },
        Tensors =
        [
            new TensorSource("weights", [Length], _weights),
            new TensorSource("optimizer.momentum.weights", [Length], _momentum),
        ],
    };

    private static float[][] Undisturbed()
    {
        ToyTraining training = new();
        List<float[]> states = [training.State];
        while (training.Step < Steps)
        {
            training.Advance();
            states.Add(training.State);
        }

        return [.. states];
    }
}
