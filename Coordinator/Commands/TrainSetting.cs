using Distributed.Data;
using Distributed.Numerics.OpenCl;
using Distributed.Runtime;

namespace Distributed.Coordinator;

/// <summary>
/// One setting of <c>train</c>: an option, an environment variable, and a key of the section "Distributed" in
/// <c>appsettings.json</c>, all named after it.
/// </summary>
/// <param name="Name">For instance <c>learning-rate</c>.</param>
/// <param name="Value">What stands for its value in the help; null: a flag.</param>
/// <param name="Help">What it says, and its default.</param>
internal sealed record TrainSetting(string Name, string? Value, string Help)
{
    /// <summary>The configuration section of all settings.</summary>
    public const string Section = "Distributed";

    private const string VariablePrefix = "DISTRIBUTED_";

    /// <summary>The key within the section of what has one of its own.</summary>
    public string? Group { get; init; }

    /// <summary>The limits of connections, which are no options of the command.</summary>
    public static IReadOnlyList<TrainSetting> Limits { get; } =
        [.. LimitSetting.All.Select(limit => new TrainSetting(limit.Key, "N", "") { Group = LimitSetting.Section })];

    /// <summary>Every setting, in the order of the help.</summary>
    public static IReadOnlyList<TrainSetting> All { get; } =
    [
        new("model", "NAME|FILE.json", "The network: a name of summary --all, or a file (default: convnet)."),
        new("data", "NAME|PATH", $"The data set: {string.Join(", ", DatasetCatalogue.Names)}; or a folder or zip " +
            "file with images in train/CLASS/ or CLASS/ (default: digits)."),
        new("data-dir", "DIR", "The folder that data files are in."),
        new("skip-corrupt", null, "Leave images out that can't be decoded, instead of ending."),
        new("cache-limit", "SIZE", "Decoded images kept under the user's cache; larger data sets are decoded " +
            "whenever they are used (default: 4GB)."),
        new("workers", "N", "Local worker processes (default: 2)."),
        new("threads", "T", "Compute threads of each worker (default: the cores shared among the workers)."),
        new("device", "DEVICE", $"What computes: {DeviceChoice.Known}; 'devices' lists them (default: cpu)."),
        new("listen", "HOST:PORT", "Wait here for workers on other machines, instead of local ones or as well."),
        new("engine", "local|akka", "What runs the actors and finds the machines (default: local)."),
        new("seed-nodes", "LIST", "With --engine akka: every machine that may coordinate, as HOST:PORT,...; " +
            "three outlive the loss of one."),
        new("stand-by", null, "With --seed-nodes: take over when the machine that coordinates is lost."),
        new("certificates", "DIR", "Certificates for --listen, with which links use mutual TLS; " +
            "see 'certificates new'."),
        new("certificate", "NAME", "This host's name among them (default: the only one with a key)."),
        new("insecure", "WORDS", "Listen beyond this machine without TLS; takes the words " +
            $"\"{LinkSecurity.InsecureWords}\"."),
        new("min-workers", "N", "Deal no step while there are fewer workers (default: 1)."),
        new("epochs", "E", "Epochs to train (default: 3)."),
        new("batch", "B", "Samples of a mini-batch (default: 128)."),
        new("micro-batch", "M", "Samples of a micro-batch, the unit of work (default: after model and batch)."),
        new("optimizer", "NAME[:KEY=VALUE...]",
            "The update rule (default: sgd): sgd (momentum, nesterov), adam, adamw, lamb (beta1, beta2, epsilon), "
            + "rmsprop (alpha, epsilon, momentum), lars (momentum, trust); for instance adam:beta2=0.99."),
        new("learning-rate", "X",
            "The largest learning rate (default: sgd 0.05, adam, adamw, rmsprop 0.001, lamb 0.01, lars 5)."),
        new("momentum", "X", "Momentum of sgd (Nesterov's), lars or rmsprop; 0: none (default: 0.9, rmsprop 0)."),
        new("weight-decay", "X",
            "Weight decay (default: sgd 0.0005, lars 0.0001, adamw, lamb 0.01, adam, rmsprop 0)."),
        new("decay-exclude", "LIST", "What weight decay leaves out: bias, norm or bias,norm (default: none)."),
        new("clip-norm", "X", "Scale gradients down to this norm over all parameters; 0: never (default: 0)."),
        new("clip-value", "X", "Cut each element of a gradient to this magnitude; 0: never (default: 0)."),
        new("ema", "DECAY",
            "Validate, test and keep as best a moving average of the weights, such as 0.999; 0: none (default: 0)."),
        new("schedule", "NAME[:KEY=VALUE...]",
            "The learning rate over the steps (default: one-cycle): constant, step (every=EPOCHS or at=E1,E2,...; "
            + "factor), cosine, one-cycle (peakShare, divFactor, finalDivFactor), plateau (factor, patience, "
            + "threshold, minimum); for instance step:every=30:factor=0.1."),
        new("warmup", "EPOCHS", "Let the rate of any schedule rise over so many epochs first (default: 0)."),
        new("class-weights", "balanced|LIST",
            "What a sample of each class counts: balanced, or a number a class, such as 1,2.5,1 (default: all the "
            + "same)."),
        new("freeze", "PATTERNS",
            "Leave parameters as they are, by name (see summary); such as '0.*,2.*' (default: none)."),
        new("label-smoothing", "X", "Share of the target that is spread over all classes (default: 0)."),
        new("augment", "LIST", "What is done to training samples, such as crop:4,flip,cutout:8,mixup:0.2; known are " +
            $"{string.Join(", ", AugmentationKind.All.Select(kind => kind.Name))} (default: none)."),
        new("validation", "FRACTION", "Share of the training samples set apart for validation (default: 0.1)."),
        new("patience", "EPOCHS", "Stop after so many epochs without improvement; 0: never (default: 0)."),
        new("seed", "S", "The key of every random draw (default: 1)."),
        new("name", "NAME", "The run's name (default: MODEL-DATA)."),
        new("runs", "DIR", "The folder of all runs (default: runs)."),
        new("fresh", null, "Start anew; an old run of this name is kept beside the new one."),
        new("spec", "run.json", "Take the specification of another run as defaults."),
        new("init", "CHECKPOINT", "Start from the weights of a checkpoint or of a safetensors file."),
        new("more-epochs", "N", "Extend a finished run."),
        new("checkpoint-every", "STEPS", "Save every so many steps too; 0: every 60 s and every epoch (default: 0)."),
        new("trace", null, "Write trace.json into the run's folder: what every thread of every worker and the " +
            "parameter server did, and when (open it at ui.perfetto.dev or chrome://tracing)."),
        new("convolution", "winograd|strict|direct", "How convolutions are computed (default: winograd)."),
        new("health", "HOST:PORT", "Answer GET /live and GET /ready here over HTTP; beyond this machine too, as for " +
            "Kubernetes' probes: nothing secret is told (default: nowhere)."),
        new("telemetry", "URL", "Export metrics and traces to this OTLP collector, from the local workers too " +
            $"(default: {Telemetry.EndpointVariable}; other OTEL_... variables count as well)."),
        new("log-level", "LEVEL", "The least severe log messages shown (default: warning)."),
    ];

    /// <summary>The option on the command line.</summary>
    public string Option => "--" + Name;

    /// <summary>The key within the section: <c>LearningRate</c>, or <c>Limits:MaxDepth</c>.</summary>
    public string Key => Group is not null ? $"{Group}:{Name}"
        : string.Concat(Name.Split('-').Select(word => char.ToUpperInvariant(word[0]) + word[1..]));

    /// <summary>
    /// The environment variable: <c>DISTRIBUTED_LEARNING_RATE</c>. That of <c>data</c> is <c>DISTRIBUTED_DATASET</c>,
    /// because <c>DISTRIBUTED_DATA</c> names the folder of data files.
    /// </summary>
    public string Variable => Group is not null ? LimitSetting.Of(Name).Variable
        : Name == "data" ? VariablePrefix + "DATASET"
        : VariablePrefix + Name.Replace('-', '_').ToUpperInvariant();
}
