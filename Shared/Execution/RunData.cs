using Distributed.Data;
using Distributed.Learning;
using Distributed.Protocol;

namespace Distributed.Execution;

/// <summary>
/// A run's data in memory: the data set, its training and validation parts (taken by seed, unless the data set has a
/// validation part of its own), and the normalisation by the training part. The same on every machine that holds the
/// same samples.
/// </summary>
public sealed class RunData
{
    private readonly int[] _training;
    private readonly int[] _validation;
    private readonly int[] _test;
    private readonly SampleLoader _trainLoader;
    private readonly SampleLoader _testLoader;

    private RunData(Dataset dataset, double validation, AugmentationList augmentation, ulong seed)
    {
        Dataset = dataset;
        (_training, _validation) = dataset.Held == 0
            ? ValidationSplit.Split(dataset.Train.Count, validation, seed)
            : OwnSplit(dataset, validation);
        _test = new int[dataset.Test.Count];
        for (int i = 0; i < _test.Length; i++) _test[i] = i;
        Normalization = Normalization.Of(dataset.Train, _training);
        TakesTimeToLoad = dataset.Train.IsStreamed || augmentation.Items.Count > 0;
        _trainLoader = new SampleLoader(dataset.Train, Normalization, augmentation, seed);
        _testLoader = new SampleLoader(dataset.Test, Normalization);
    }

    /// <summary>The data set.</summary>
    public Dataset Dataset { get; }

    /// <summary>How pixels become inputs.</summary>
    public Normalization Normalization { get; }

    /// <summary>Whether a training sample is decoded or augmented when it is loaded, and not just copied.</summary>
    public bool TakesTimeToLoad { get; }

    /// <summary>Indices of the training part, ascending.</summary>
    public ReadOnlySpan<int> Training => _training;

    /// <summary>Loads what a specification names.</summary>
    /// <exception cref="DataException">The data cannot be had or is broken.</exception>
    public static RunData Load(RunSpecification specification, string? directory, Action<string>? progress = null)
    {
        Dataset dataset = DatasetCatalogue.Load(specification.Data.Name, Options(specification, directory, progress));
        return Of(specification, dataset);
    }

    /// <summary>What a specification makes of a data set that is there already.</summary>
    public static RunData Of(RunSpecification specification, Dataset dataset) =>
        new(dataset, specification.Data.Validation, specification.Augmentation, specification.Seed);

    /// <summary>Makes sure that the files are on this machine, before several processes load them.</summary>
    /// <exception cref="DataException">The data cannot be had.</exception>
    public static void Fetch(RunSpecification specification, string? directory, Action<string>? progress = null) =>
        DatasetCatalogue.Fetch(specification.Data.Name, Options(specification, directory, progress));

    /// <summary>The specification with what was found in the data filled in.</summary>
    /// <exception cref="SpecificationException">The model does not fit the data.</exception>
    public RunSpecification Complete(RunSpecification specification)
    {
        var model = specification.Model;
        ImageSet images = Dataset.Train;
        if (model.Channels != images.Channels || model.Height != images.Height || model.Width != images.Width)
        {
            throw new SpecificationException(
                $"Model {model.Name} takes {model.Channels}x{model.Height}x{model.Width} images, and those of "
                + $"{Dataset.Name} are {images.Channels}x{images.Height}x{images.Width}: "
                + "choose a model or data that fit.");
        }

        if (model.Classes != Dataset.ClassNames.Count)
        {
            throw new SpecificationException(
                $"Model {model.Name} has {model.Classes} classes, and {Dataset.Name} has {Dataset.ClassNames.Count}: "
                + "choose a model or data that fit.");
        }

        if (_training.Length == 0)
            throw new SpecificationException(
                $"No training sample of {Dataset.Name} is left: choose a smaller --validation.");
        ClassWeighting.Of(specification, this);
        return specification with
        {
            Data = specification.Data with
            {
                Sha256 = Dataset.Sha256,
                TrainingSamples = _training.Length,
                ValidationSamples = _validation.Length,
                TestSamples = _test.Length,
                Mean = Normalization.Mean,
                Deviation = Normalization.Deviation,
            },
        };
    }

    private static DatasetOptions Options(
        RunSpecification specification, string? directory, Action<string>? progress) =>
        new()
        {
            DataDirectory = directory,
            Seed = specification.Seed,
            Shape = (specification.Model.Channels, specification.Model.Height, specification.Model.Width),
            SkipCorrupt = specification.Data.SkipCorrupt,
            Progress = progress,
        };

    /// <summary>The data set's own validation part; it is left unused where no validation is wanted.</summary>
    private static (int[] Training, int[] Validation) OwnSplit(Dataset dataset, double validation)
    {
        int first = dataset.Train.Count - dataset.Held;
        return ([.. Enumerable.Range(0, first)], validation > 0 ? [.. Enumerable.Range(first, dataset.Held)] : []);
    }

    /// <summary>Indices of a part into the data set's training or test samples.</summary>
    public ReadOnlySpan<int> Part(DataSplit split) => split switch
    {
        DataSplit.Training => _training,
        DataSplit.Validation => _validation,
        _ => _test,
    };

    /// <summary>Samples of a part.</summary>
    public int Count(DataSplit split) => Part(split).Length;

    /// <summary>The label of a part's sample.</summary>
    public int Label(DataSplit split, int position) =>
        (split == DataSplit.Test ? Dataset.Test : Dataset.Train).Label(Part(split)[position]);

    /// <summary>
    /// Loads samples named by their index in the data set's training or test samples, as they are.
    /// </summary>
    public void Load(DataSplit split, ReadOnlySpan<int> indices, Span<float> input, Span<int> labels) =>
        (split == DataSplit.Test ? _testLoader : _trainLoader).Load(indices, input, labels);

    /// <summary>
    /// Loads a micro-batch to train on into a workspace, behind <paramref name="at"/> samples that it holds, augmented
    /// as the specification says.
    /// </summary>
    public void LoadTraining(int epoch, ReadOnlySpan<int> indices, Workspace workspace, int at = 0) =>
        LoadTraining(
            epoch, indices, workspace.Input[(at * Dataset.Train.SampleLength)..], workspace.Labels[at..],
            workspace.SecondLabels[at..], workspace.LabelWeights[at..]);

    /// <inheritdoc cref="SampleLoader.LoadTraining"/>
    internal void LoadTraining(
        int epoch, ReadOnlySpan<int> indices, Span<float> nhwc, Span<int> labels, Span<int> secondLabels,
        Span<float> weights) =>
        _trainLoader.LoadTraining(epoch, indices, nhwc, labels, secondLabels, weights);
}
