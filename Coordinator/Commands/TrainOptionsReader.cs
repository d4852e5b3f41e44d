using System.Text.Json;
using Distributed.Data;
using Distributed.Execution;
using Distributed.Learning;
using Distributed.Numerics;
using Distributed.Numerics.OpenCl;
using Distributed.Protocol;
using Distributed.Runtime;
using Microsoft.Extensions.Logging;

namespace Distributed.Coordinator;

/// <summary>From settings to checked options: defaults, ranges, and combinations that make no sense.</summary>
internal sealed class TrainOptionsReader
{
    private const int DefaultWorkers = 2;
    private const int MostWorkers = 256;
    private const int MostThreads = 1024;
    private const int MostEpochs = 1_000_000;
    private const int MostBatch = 1 << 20;

    private readonly TrainSettings _settings;
    private readonly OpenClDeviceInfo? _device;
    private readonly RunSpecification? _spec;
    private readonly DataChoice _data;

    private TrainOptionsReader(TrainSettings settings)
    {
        _settings = settings;
        _device = DeviceChoice.Find(settings.Text("device") ?? DeviceChoice.Cpu);
        _spec = settings.Text("spec") is { } path ? ReadSpecification(path) : null;
        _data = DataChoice.Of(settings.Text("data") ?? _spec?.Data.Name ?? "digits", settings.Text("data-dir"),
            sentence => _spec is null || settings.Has("data") ? settings.Mistake("data", sentence)
                : new SpecificationException($"{settings.Text("spec")}: data: {sentence}."));
    }

    /// <summary>Reads and checks everything.</summary>
    /// <param name="settings">Where the values come from.</param>
    /// <param name="cores">The machine's cores, shared among the local workers.</param>
    /// <exception cref="UsageException">A value out of range, or a combination that makes no sense.</exception>
    /// <exception cref="ModelException">A mistake in the model, the optimizer or the schedule.</exception>
    /// <exception cref="DeviceException">The device isn't there, or can't train.</exception>
    /// <exception cref="SpecificationException">The file named by <c>--spec</c> is no specification.</exception>
    public static TrainOptions Read(TrainSettings settings, int cores) => new TrainOptionsReader(settings).Read(cores);

    /// <summary>The model of that name, or of that file.</summary>
    /// <exception cref="ModelException">No model has that name, or the file is missing or has a mistake.</exception>
    public static Model FindModel(string name)
    {
        if (!name.EndsWith(".json", StringComparison.OrdinalIgnoreCase)) return ModelCatalogue.Find(name);
        return Model.FromJson(ReadText(name, "model", sentence => new ModelException(sentence)), name);
    }

    private string NumericsClass => _device?.NumericsClass ?? RunSpecification.ThisNumericsClass;

    private TrainOptions Read(int cores)
    {
        RunSpecification specification = Specification();
        IClusterEngine? engine = Engine();
        HostAddress? listen = _settings.Text("listen") is { } text ? HostAddress.Parse(text, "--listen") : null;
        IReadOnlyList<string> seeds = SeedNodes(engine, listen);
        int workers = _settings.Integer("workers", 0, MostWorkers) ?? DefaultWorkers;
        if (workers == 0 && listen is null && engine is null)
            throw _settings.Mistake("workers", "0 local workers need --listen HOST:PORT, where others can join");
        int minimum = _settings.Integer("min-workers", 1, MostWorkers) ?? 1;
        if (minimum > workers && listen is null)
        {
            throw _settings.Mistake("min-workers",
                $"{minimum} workers are needed but only {workers} are started; give more --workers, or --listen");
        }

        CheckWhatIsMissing();
        return new TrainOptions
        {
            Specification = specification,
            DataDirectory = _data.Directory,
            CacheLimit = CacheLimit(),
            Workers = workers,
            Threads = _settings.Integer("threads", 1, MostThreads) ?? _device?.StandardThreads
                ?? Math.Max(1, cores / Math.Max(1, workers)),
            Device = _device is null ? null : $"opencl:{_device.Index}",
            Listen = listen,
            Security = Security(listen),
            SecurityOptions = SecurityOptions(),
            Limits = Limits(),
            Engine = engine,
            SeedNodes = seeds,
            StandsBy = StandsBy(seeds),
            MinimumWorkers = minimum,
            Name = Name(specification),
            RunsFolder = _settings.Text("runs") ?? "runs",
            Fresh = _settings.Flag("fresh"),
            Initial = _settings.Text("init"),
            MoreEpochs = MoreEpochs(),
            CheckpointEverySteps = _settings.Integer("checkpoint-every", 0) ?? 0,
            Trace = _settings.Flag("trace"),
            Health = _settings.Text("health") is { } health ? HostAddress.Parse(health, "--health") : null,
            Telemetry = _settings.Text("telemetry"),
            LogLevel = Enum.Parse<LogLevel>(
                _settings.OneOf("log-level", Enum.GetNames<LogLevel>()) ?? nameof(LogLevel.Warning)),
        };
    }

    private ProtocolLimits Limits()
    {
        ProtocolLimits limits = ProtocolLimits.Default;
        foreach (LimitSetting limit in LimitSetting.All)
        {
            if (_settings.Integer(limit.Key, limit.Least, limit.Most) is { } value) limits = limit.With(limits, value);
        }

        return limits;
    }

    private IClusterEngine? Engine() => _settings.OneOf("engine", ["local", Engines.Akka]) == Engines.Akka
        ? Engines.Cluster ?? throw _settings.Mistake("engine", Engines.Missing) : null;

    private IReadOnlyList<string> SeedNodes(IClusterEngine? engine, HostAddress? listen)
    {
        if (_settings.Text("seed-nodes") is not { } text) return [];
        if (engine is null || listen is null)
        {
            throw _settings.Mistake("seed-nodes",
                "it says where other coordinators are and belongs to --engine akka --listen HOST:PORT");
        }

        string[] seeds = text.Split(',', StringSplitOptions.TrimEntries);
        foreach (string seed in seeds) HostAddress.Split(seed, "--seed-nodes");
        if (!seeds.Contains(listen.ToString()))
        {
            throw _settings.Mistake("seed-nodes",
                $"this node's own --listen {listen} is not among them; write it as it stands there");
        }

        if (seeds.Length == 2)
        {
            throw _settings.Mistake("seed-nodes",
                "of two nodes neither can tell whether the other is lost or the network is cut; name three, or one");
        }

        return seeds.Length == 1 || !_settings.Flag("fresh") ? seeds : throw _settings.Mistake("fresh",
            "every node that takes over would start anew; give another --name, or move the run's folder away first");
    }

    private bool StandsBy(IReadOnlyList<string> seeds) =>
        _settings.Flag("stand-by") && (seeds.Count > 1 ? true : throw _settings.Mistake("stand-by",
            "it takes over from another node; name all that may coordinate with --seed-nodes"));

    private IReadOnlyList<string> SecurityOptions()
    {
        List<string> options = [];
        foreach (string name in (string[])["certificates", "certificate", "insecure"])
        {
            if (_settings.Text(name) is { } value) options.AddRange([$"--{name}", value]);
        }

        return options;
    }

    private RunSpecification Specification()
    {
        Model model = ChosenModel();
        int batch = _settings.Integer("batch", 1, MostBatch) ?? _spec?.Batch ?? 128;
        double smoothing = _settings.Number("label-smoothing", x => x is >= 0 and < 1, "from 0 to below 1")
            ?? _spec?.LabelSmoothing ?? 0;
        DataSpecification data = Data();
        RuleReader rules = new(_settings, _spec);
        Optimizer optimizer = rules.Optimizer();
        GradientClip clip = rules.Clip();
        AugmentationList augmentation = Augmentation();
        return new RunSpecification
        {
            NumericsClass = NumericsClass,
            Model = model,
            Data = data,
            Epochs = _settings.Integer("epochs", 1, MostEpochs) ?? _spec?.Epochs ?? 3,
            Batch = batch,
            MicroBatch = MicroBatch(model, batch),
            Optimizer = optimizer,
            ClipNorm = clip.Norm,
            ClipValue = clip.Value,
            Ema = rules.Ema(),
            ClassWeights = rules.ClassWeights(augmentation),
            Frozen = rules.Frozen(model),
            LearningRate = rules.LearningRate(optimizer),
            Schedule = rules.Schedule(),
            LabelSmoothing = smoothing,
            Augmentation = augmentation,
            Patience = Patience(data),
            Seed = _settings.Seed("seed") ?? _spec?.Seed ?? 1,
            Convolution = _settings.Word<ConvolutionMode>("convolution") ?? _spec?.Convolution
                ?? ConvolutionMode.Winograd,
        };
    }

    /// <summary>A model of the catalogue has as many classes as the data; a user's own is taken as it is.</summary>
    private Model ChosenModel()
    {
        string? name = _settings.Text("model");
        if (name is null && _spec is not null) return _spec.Model;
        Model model = FindModel(name ?? "convnet");
        if (name?.EndsWith(".json", StringComparison.OrdinalIgnoreCase) == true) return model;
        int classes = DatasetCatalogue.CountClasses(_data.Name, new DatasetOptions
        {
            DataDirectory = _data.Directory,
            Shape = (model.Channels, model.Height, model.Width),
        });
        return classes == model.Classes ? model : model.WithClasses(classes);
    }

    private DataSpecification Data() => new()
    {
        Name = _data.Name,
        Validation = _settings.Number("validation", x => x is >= 0 and < 1, "from 0 to below 1")
            ?? _spec?.Data.Validation ?? 0.1,
        SkipCorrupt = _settings.Has("skip-corrupt")
            ? _settings.Flag("skip-corrupt") : _spec?.Data.SkipCorrupt ?? false,
    };

    private AugmentationList Augmentation()
    {
        if (_settings.Text("augment") is not { } text) return _spec?.Augmentation ?? AugmentationList.None;
        try
        {
            return AugmentationList.Parse(text);
        }
        catch (DataException error)
        {
            throw _settings.Mistake("augment", error.Message);
        }
    }

    private long? CacheLimit()
    {
        if (_settings.Text("cache-limit") is not { } text) return null;
        return DatasetOptions.ParseSize(text)
            ?? throw _settings.Mistake("cache-limit", $"expected a size such as 500MB or 4GB, got '{text}'");
    }

    private int MicroBatch(Model model, int batch)
    {
        int standard = ExecutionPlan.DefaultMicroBatch(model, batch);
        if (_settings.Integer("micro-batch", 1, MostBatch) is { } given)
        {
            return given <= batch ? given : throw _settings.Mistake("micro-batch",
                $"{given} samples are more than the {batch} of a mini-batch; choose a smaller one or a larger --batch");
        }

        return _spec is null || _settings.Has("batch") || _settings.Has("model") ? standard : _spec.MicroBatch;
    }

    private int Patience(DataSpecification data)
    {
        int patience = _settings.Integer("patience", 0) ?? _spec?.Patience ?? 0;
        return patience == 0 || data.Validation > 0 ? patience : throw _settings.Mistake("patience",
            "without a validation part no epoch is better than another; leave it out or give --validation");
    }

    private void CheckWhatIsMissing()
    {
        if (_spec?.InitialWeightsSha256 is { } hash && !_settings.Has("init"))
        {
            throw _settings.Mistake("spec",
                $"that run started from given weights (sha256 {hash[..12]}...); name their file with --init");
        }
    }

    private int MoreEpochs()
    {
        int more = _settings.Integer("more-epochs", 1, MostEpochs) ?? 0;
        if (more > 0 && _settings.Flag("fresh"))
        {
            throw _settings.Mistake("more-epochs",
                "it extends a finished run and --fresh starts anew; give one of them");
        }

        return more;
    }

    private string Name(RunSpecification specification)
    {
        string name = _settings.Text("name") ?? $"{specification.Model.Name}-{_data.ShortName}";
        bool isFolderName = name.Length <= 100 && name.Trim('.', ' ') == name && name.Length > 0 &&
            name.All(letter => char.IsLetterOrDigit(letter) || letter is '-' or '_' or '.' or ' ' or '+');
        return isFolderName ? name : throw _settings.Mistake("name",
            $"'{name}' can't be a folder's name; use letters, digits, '-', '_' and '.'");
    }

    private LinkSecurity Security(HostAddress? listen)
    {
        string? folder = _settings.Text("certificates"), insecure = _settings.Text("insecure");
        if (listen is null && (folder ?? insecure) is not null)
        {
            throw _settings.Mistake(folder is null ? "insecure" : "certificates",
                "local workers never leave this machine; it belongs to --listen HOST:PORT");
        }

        return LinkSecurity.Chosen(folder, _settings.Text("certificate"), insecure, host: null);
    }

    private RunSpecification ReadSpecification(string path)
    {
        string text = ReadText(path, "specification", sentence => new SpecificationException(sentence));
        try
        {
            using JsonDocument document = StrictJson.Parse(text);
            bool isRun = document.RootElement.ValueKind == JsonValueKind.Object;
            RunSpecification found = isRun &&
                document.RootElement.TryGetProperty("specification", out JsonElement inner)
                    ? RunSpecification.FromJson(inner, path)
                    : RunSpecification.FromJson(text, path);
            return found.NumericsClass == NumericsClass ? found : throw new SpecificationException(
                $"{path}: it is of numerics class {found.NumericsClass} and this program of {NumericsClass}, so its " +
                "bits can't be had again; use the program, and the --device, that wrote it.");
        }
        catch (JsonException error)
        {
            throw new SpecificationException(
                $"{path}: not valid JSON ({error.Message.Split(" LineNumber:")[0].TrimEnd('.')}).");
        }
    }

    private static string ReadText(string path, string what, Func<string, Exception> mistake)
    {
        const long LongestFile = 16 << 20;
        try
        {
            long length = new FileInfo(path).Length;
            return length <= LongestFile ? File.ReadAllText(path)
                : throw mistake($"{path}: a {what} of {length} bytes is too long; at most {LongestFile} are read.");
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
        {
            throw mistake($"{path}: there is no such file; check the path of the {what}.");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw mistake($"{path}: the {what} can't be read ({error.Message.TrimEnd('.')}).");
        }
    }
}
