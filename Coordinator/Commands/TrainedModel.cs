using Distributed.Checkpoints;
using Distributed.Data;
using Distributed.Execution;
using Distributed.Learning;
using Distributed.Numerics;
using Distributed.Protocol;
using Distributed.Roles.Coordinator;

namespace Distributed.Coordinator;

/// <summary>A checkpoint's model with its parameters in memory, ready to score images.</summary>
internal sealed class TrainedModel : IDisposable
{
    private readonly NativeBuffer _parameters;
    private readonly NativeBuffer _prepared;

    private TrainedModel(Checkpoint checkpoint)
    {
        Path = checkpoint.Path;
        Step = checkpoint.Step;
        Specification = CheckpointMapping.ReadSpecification(checkpoint);
        ClassNames = CheckpointMapping.ReadClassNames(checkpoint);
        if (ClassNames.Count != Specification.Model.Classes ||
            Specification.Data.Mean.Count != Specification.Model.Channels ||
            Specification.Data.Deviation.Count != Specification.Model.Channels)
        {
            throw new CheckpointException($"{Path}: its class names or its normalisation don't fit its model " +
                $"{Specification.Model.Name}; use another checkpoint.");
        }

        Normalization = new Normalization([.. Specification.Data.Mean], [.. Specification.Data.Deviation]);
        Plan = ExecutionPlan.Compile(Specification.Model, Specification.MicroBatch, Specification.Convolution);
        _parameters = new NativeBuffer(Plan.Parameters.Length);
        _prepared = new NativeBuffer(Plan.PreparedLength);
        CheckpointMapping.ReadEvaluated(checkpoint, Specification, Plan.Parameters, _parameters.Span);
        for (int part = 0; part < Plan.PrepareParts; part++) Plan.Prepare(part, _parameters.Span, _prepared.Span);
    }

    /// <summary>The checkpoint's file.</summary>
    public string Path { get; }

    /// <summary>Steps that its parameters had been trained for.</summary>
    public long Step { get; }

    /// <summary>The specification of the run that wrote it.</summary>
    public RunSpecification Specification { get; }

    /// <summary>A name for each class.</summary>
    public IReadOnlyList<string> ClassNames { get; }

    /// <summary>How pixels become inputs.</summary>
    public Normalization Normalization { get; }

    /// <summary>The compiled model.</summary>
    public ExecutionPlan Plan { get; }

    /// <summary>Opens a checkpoint, or a run's best one, and checks every hash.</summary>
    /// <exception cref="CheckpointException">None is there, it is not sound, or its parts don't fit.</exception>
    public static TrainedModel Open(string path)
    {
        using Checkpoint checkpoint = Checkpoint.Open(path);
        return new TrainedModel(checkpoint);
    }

    /// <summary>
    /// Scores labelled images. Losses are added along the canonical tree over micro-batches, as in training, so the
    /// score has the same bits as there, however many threads there are.
    /// </summary>
    /// <param name="split">What the images are called.</param>
    /// <param name="images">A set of images of the model's size.</param>
    /// <param name="indices">Which of them, in order.</param>
    public EvaluationScore Score(DataSplit split, ImageSet images, int[] indices)
    {
        int leaves = (indices.Length + Plan.MicroBatch - 1) / Plan.MicroBatch;
        double[] losses = new double[leaves];
        int[] predictions = new int[indices.Length];
        int correct = 0, topFive = 0;
        ForEachMicroBatch(images, indices, (workspace, first, count) =>
        {
            MicroBatchResult result = workspace.Evaluate(
                _parameters.Span, _prepared.Span, count, predictions.AsSpan(first, count));
            losses[first / Plan.MicroBatch] = result.LossSum;
            Interlocked.Add(ref correct, result.Correct);
            Interlocked.Add(ref topFive, result.TopFive);
        });
        return new EvaluationScore(
            split, indices.Length, Sum(losses, TreeNode.Root(leaves)) / indices.Length, correct, predictions,
            topFive);
    }

    /// <summary>The probability of every class for each image: [image][class].</summary>
    /// <param name="images">Images of the model's size; their labels don't matter.</param>
    public float[] Probabilities(ImageSet images)
    {
        int classes = Specification.Model.Classes;
        float[] probabilities = new float[images.Count * classes];
        ForEachMicroBatch(images, [.. Enumerable.Range(0, images.Count)], (workspace, first, count) =>
        {
            workspace.Evaluate(_parameters.Span, _prepared.Span, count, default);
            SoftmaxCrossEntropy.Probabilities(
                workspace.Logits, classes, probabilities.AsSpan(first * classes, count * classes));
        });
        return probabilities;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _parameters.Dispose();
        _prepared.Dispose();
    }

    private void ForEachMicroBatch(ImageSet images, int[] indices, Action<Workspace, int, int> compute)
    {
        SampleLoader loader = new(images, Normalization);
        int leaves = (indices.Length + Plan.MicroBatch - 1) / Plan.MicroBatch;
        Parallel.For(
            0, leaves, () => Plan.CreateWorkspace(training: false),
            (leaf, _, workspace) =>
            {
                int first = leaf * Plan.MicroBatch;
                int count = Math.Min(Plan.MicroBatch, indices.Length - first);
                loader.Load(indices.AsSpan(first, count), workspace.Input, workspace.Labels);
                compute(workspace, first, count);
                return workspace;
            },
            workspace => workspace.Dispose());
    }

    private static double Sum(double[] losses, TreeNode node) =>
        node.IsLeaf ? losses[node.Start] : Sum(losses, node.Left) + Sum(losses, node.Right);
}
