using Distributed.Execution;
using Xunit;

namespace Distributed.Coordinator.Tests;

/// <summary>A user's mistake is exit code 2 and one line on the error output that says what to do.</summary>
public sealed class UserErrorTests
{
    [Theory]
    [InlineData("certificates list --folder nowhere", "nowhere: the folder can't be read (")]
    [InlineData("train --device cuda", "--device: expected cpu, gpu, gpu:N, opencl:N or auto, got 'cuda'.")]
    [InlineData("train --engine warp", "--engine: expected one of local, akka, got 'warp'.")]
    [InlineData("train --augment crop:0", "--augment: the padding of crop must be a whole number from 1 to 1024, got")]
    [InlineData("train --augment flop", "--augment: there is no augmentation 'flop'; known are crop, resized-crop,")]
    [InlineData("train --convolution fft", "--convolution: expected one of winograd, strict, direct, got 'fft'.")]
    [InlineData("train --name a/b", "--name: 'a/b' can't be a folder's name; use letters, digits, '-', '_' and '.'.")]
    [InlineData("train --name ..", "--name: '..' can't be a folder's name;")]
    [InlineData("train --fresh --more-epochs 1", "--more-epochs: it extends a finished run and --fresh starts anew;")]
    [InlineData("train --spec none.json", "none.json: there is no such file; check the path of the specification.")]
    [InlineData("train --log-level loud", "--log-level: expected one of Trace, Debug,")]
    [InlineData("evaluate", "evaluate: CHECKPOINT is missing; --help says more.")]
    [InlineData("evaluate nowhere", "nowhere: there is no such checkpoint; check the path.")]
    [InlineData("predict nowhere", "predict: IMAGE is missing; --help says more.")]
    [InlineData("predict nowhere image.png", "nowhere: there is no such checkpoint; check the path.")]
    [InlineData("verify nowhere", "nowhere: there is no such checkpoint; check the path.")]
    [InlineData("summary --model nothing", "unknown model \"nothing\"; known:")]
    [InlineData("summary --batch 0", "--batch: expected a whole number of at least 1, got '0'.")]
    public async Task OneClearLine(string commandLine, string expected)
    {
        CommandRun run = await CommandRun.Of(commandLine.Split(' ', StringSplitOptions.RemoveEmptyEntries));

        Assert.StartsWith("error: " + expected, run.Error, StringComparison.Ordinal);
        Assert.Equal(ExitCode.UserError, run.ExitCode);
        Assert.Single(run.Error.TrimEnd('\r', '\n').Split('\n'));
        Assert.Equal("", run.Output);
        Assert.Null(run.Trained);
    }

    [Theory]
    [InlineData("simulate --workers 1,5000", "--workers: expected whole numbers from 1 to 4096 with commas ")]
    [InlineData("simulate --workers few", "--workers: expected whole numbers from 1 to 4096 with commas between " +
        "them, got 'few'.")]
    [InlineData("simulate --scaling both,weak", "--scaling: expected weak, strong or both, got 'both,weak'.")]
    [InlineData("simulate --bandwidth 0", "--bandwidth: expected a number above 0, got '0'.")]
    [InlineData("simulate --latency -1", "--latency: expected a number from 0 on, got '-1'.")]
    [InlineData("simulate --local --latency 1", "--latency: workers on this host have no network between them;")]
    [InlineData("simulate --stragglers 2:3", "--stragglers: expected SHARE:FACTOR, a share from 0 to 1 and a factor")]
    [InlineData("simulate --compute-ms fast", "--compute-ms: expected a number above 0, got 'fast'.")]
    [InlineData("simulate --batch 10000", "--batch: 10000 for each of 4096 workers are 40960000 samples in a step,")]
    [InlineData("simulate --model nothing", "unknown model \"nothing\"; known:")]
    public Task ASimulationsMistakeIsOneLine(string line, string expected) => OneClearLine(line, expected);

    [Theory]
    [InlineData("", "a command is missing; known are train, evaluate,")]
    [InlineData("trian", "unknown command 'trian'; did you mean train?")]
    [InlineData("dance", "unknown command 'dance'; --help lists what there is.")]
    [InlineData("train --epoch 3", "train: unknown option '--epoch'; did you mean --epochs?")]
    [InlineData("train extra", "train: unknown argument 'extra'; --help lists what there is.")]
    [InlineData("train --epochs", "train: --epochs needs a value.")]
    [InlineData("train --epochs 1 --epochs 2", "train: --epochs is given more than once.")]
    [InlineData("train --epochs three", "--epochs: expected a whole number from 1 to 1000000, got 'three'.")]
    [InlineData("train --epochs 0", "--epochs: expected a whole number from 1 to 1000000, got '0'.")]
    [InlineData("train --batch -1", "--batch: expected a whole number from 1 to")]
    [InlineData("train --batch 32 --micro-batch 64", "--micro-batch: 64 samples are more than the 32 of a mini-batch;")]
    [InlineData("train --learning-rate 0", "--learning-rate: expected a number above 0, got '0'.")]
    [InlineData("train --learning-rate NaN", "--learning-rate: expected a number above 0, got 'NaN'.")]
    [InlineData("train --learning-rate 0,1", "--learning-rate: expected a number above 0, got '0,1'.")]
    [InlineData("train --label-smoothing 1", "--label-smoothing: expected a number from 0 to below 1, got '1'.")]
    [InlineData("train --validation 1", "--validation: expected a number from 0 to below 1, got '1'.")]
    [InlineData("train --validation 0 --patience 2", "--patience: without a validation part no epoch is better")]
    [InlineData("train --seed -1", "--seed: expected a whole number from 0 to 18446744073709551615, got '-1'.")]
    [InlineData("train --model resnet999", "unknown model \"resnet999\"; known: alexnet, convnet, ")]
    [InlineData("train --model nowhere.json", "nowhere.json: there is no such file; check the path of the model.")]
    [InlineData("train --data image", "--data: expected one of digits, mnist, fashion-mnist, kmnist, cifar10, " +
        "cifar100, folder, or an existing folder or zip file of images, got 'image'.")]
    [InlineData("train --data . --data-dir .", "--data: '.' says already where the images are; leave --data-dir out.")]
    [InlineData("train --cache-limit much", "--cache-limit: expected a size such as 500MB or 4GB, got 'much'.")]
    [InlineData("train --workers 0", "--workers: 0 local workers need --listen HOST:PORT, where others can join.")]
    [InlineData("train --min-workers 3", "--min-workers: 3 workers are needed but only 2 are started;")]
    [InlineData("train --listen here", "--listen: expected HOST:PORT with a port from 0 to 65535, got 'here'.")]
    [InlineData("train --listen 127.0.0.1:70000", "--listen: expected HOST:PORT with a port from 0 to 65535,")]
    [InlineData("train --certificates x", "--certificates: local workers never leave this machine; it belongs to")]
    [InlineData("train --listen 127.0.0.1:1 --certificates nowhere", "nowhere/ca.crt: there is no such certificate,")]
    [InlineData("train --listen 127.0.0.1:1 --insecure yes", "--insecure takes the words \"anyone on this network ")]
    [InlineData("status nowhere", "nowhere: there is no run in this folder; give runs/NAME.")]
    [InlineData("chaos --faults many", "--faults: expected a whole number from 0 to 100000, got 'many'.")]
    [InlineData("chaos --minutes long", "--minutes: expected a number from 0.1 to 100000, got 'long'.")]
    [InlineData("chaos --minutes 5 --epochs 3", "--minutes and --epochs both say how long to train; give one of them.")]
    [InlineData("certificates new ca", "'ca' is the authority; a host needs another name for its files.")]
    [InlineData("certificates new ::1", "'::1' can't name a file; begin with the host's name, as in node1,::1.")]
    [InlineData("certificates new here --days 0", "--days must be 1 to 3650, got 0.")]
    public Task OneClearLineAboutTheSimulation(string commandLine, string expected) =>
        OneClearLine(commandLine, expected);

    [Theory]
#if !AKKA_ENGINE
    [InlineData("train --engine akka", "--engine: this build has no Akka engine: run Scripts/with-akka")]
#else
    [InlineData("train --engine akka --listen 127.0.0.1:1 --seed-nodes 127.0.0.1:2,127.0.0.1:3,127.0.0.1:4",
        "--seed-nodes: this node's own --listen 127.0.0.1:1 is not among them")]
    [InlineData("train --engine akka --listen 127.0.0.1:1 --seed-nodes 127.0.0.1:1,127.0.0.1:2",
        "--seed-nodes: of two nodes neither can tell")]
    [InlineData("train --engine akka --stand-by", "--stand-by: it takes over from another node")]
    [InlineData(
        "train --engine akka --fresh --listen 127.0.0.1:1 --seed-nodes 127.0.0.1:1,127.0.0.1:2,127.0.0.1:3",
        "--fresh: every node that takes over would start anew")]
#endif
    [InlineData("train --seed-nodes 127.0.0.1:1,127.0.0.1:2,127.0.0.1:3", "--seed-nodes: it says where other")]
    public Task OneClearLineAboutTheEngine(string commandLine, string expected) => OneClearLine(commandLine, expected);

    [Theory]
    [InlineData("train --momentum 1", "--momentum: expected a number from 0 to below 1, got '1'.")]
    [InlineData("train --weight-decay -1", "--weight-decay: expected a number of at least 0, got '-1'.")]
    [InlineData("train --optimizer newton", "--optimizer: unknown optimizer \"newton\"; known: sgd, adam, adamw,")]
    [InlineData("train --optimizer sgd:momentum", "--optimizer: expected NAME or NAME:KEY=VALUE:KEY=VALUE...,")]
    [InlineData("train --optimizer adam:betas=0.9", "--optimizer: unknown field \"betas\"; known here: name, beta1,")]
    [InlineData("train --optimizer adam --momentum 0.5", "--momentum: adam has no momentum; use --optimizer")]
    [InlineData("train --decay-exclude all", "--decay-exclude: expected none or a list of bias, norm, got 'all'.")]
    [InlineData("train --clip-norm -1", "--clip-norm: expected a number of at least 0 (0: none), got '-1'.")]
    [InlineData("train --clip-norm 1 --clip-value 1", "--clip-value: gradients are clipped by --clip-norm already;")]
    [InlineData("train --ema 1", "--ema: expected a number from 0 (none) to below 1, got '1'.")]
    [InlineData("train --warmup -1", "--warmup: expected a number of at least 0, got '-1'.")]
    [InlineData("train --class-weights heavy", "--class-weights: expected balanced, none or a number of at least 0")]
    [InlineData("train --freeze features.*", "model \"convnet\" has no parameter called \"features.*\" to freeze;")]
    [InlineData("train --class-weights balanced --augment mixup", "--class-weights: mixup gives samples two labels;")]
    [InlineData("train --freeze *", "every parameter of model \"convnet\" is frozen; leave one to train.")]
    [InlineData("train --schedule step:every=0", "--schedule: every must be 1 or more, got 0.")]
    [InlineData("train --schedule never", "--schedule: unknown schedule \"never\"; known: constant, step, cosine,")]
    public Task OneClearLineAboutTheRulesOfUpdate(string commandLine, string expected) =>
        OneClearLine(commandLine, expected);

    [Fact]
    public async Task AnEmptyValueIsNoValue() =>
        Assert.Equal("error: --name: its value is empty.",
            (await CommandRun.Of("train", "--name", "")).Error.TrimEnd());

    [Fact]
    public async Task AVariableIsNamedAsTheSourceOfItsMistake()
    {
        CommandRun run = await CommandRun.Of(["train"], new() { ["DISTRIBUTED_LEARNING_RATE"] = "fast" });
        Assert.Equal("error: DISTRIBUTED_LEARNING_RATE: expected a number above 0, got 'fast'.", run.Error.TrimEnd());
    }

    [Theory]
    [InlineData("""{"Distributed": {"Epochs": "many"}}""", ", Distributed:Epochs: expected a whole number from 1 to")]
    [InlineData("""{"Distributed": {"Epoch": 3}}""", ": there is no setting Distributed:Epoch; known are Model, Data,")]
    [InlineData("""{"Distributed": {"Limits": {"MaxDepth": 3}}}""",
        ", Distributed:Limits:MaxDepth: expected a whole number from 4 to 1024, got '3'.")]
    [InlineData("""{"Distributed": {"Limits": {"Depth": 3}}}""",
        ": there is no setting Distributed:Limits:Depth; known are Limits:MaxConnections,")]
    [InlineData("""{"Distributed": {"Limits": 3}}""",
        ": Distributed:Limits holds settings of its own, such as Distributed:Limits:MaxConnections.")]
    [InlineData("""{"Distributed": """, ": not valid JSON: ")]
    public async Task AFileIsNamedAsTheSourceOfItsMistake(string json, string expected)
    {
        using TemporaryFolder folder = new();
        File.WriteAllText(folder["appsettings.json"], json);

        CommandRun run = await CommandRun.Of(["train"], [], [folder.Path]);

        Assert.StartsWith($"error: {folder["appsettings.json"]}{expected}", run.Error, StringComparison.Ordinal);
        Assert.Equal(ExitCode.UserError, run.ExitCode);
    }

    [Theory]
    [InlineData("{}", "not a run's specification")]
    [InlineData("[1", "not valid JSON")]
    [InlineData("""{"specification": {"numericsClass": 7}}""", "not a run's specification")]
    [InlineData("""{"specification": {"\ud800": 7}}""", "not valid JSON (a text in it is no valid Unicode)")]
    [InlineData("{\"specification\": {\"numericsClass\": [\n7]}}",
        "not a run's specification (\"numericsClass\" must be a text, got [ 7]).")]
    public async Task ABrokenSpecificationIsOneSentence(string json, string expected)
    {
        using TemporaryFolder folder = new();
        File.WriteAllText(folder["run.json"], json);

        CommandRun run = await CommandRun.Of("train", "--spec", folder["run.json"]);

        Assert.StartsWith($"error: {folder["run.json"]}: {expected}", run.Error, StringComparison.Ordinal);
        Assert.Equal(ExitCode.UserError, run.ExitCode);
    }

    [Fact]
    public async Task ASpecificationIsNamedAsTheSourceOfItsMistake()
    {
        using TemporaryFolder folder = new();
        RunSpecification sound = RunSamples.Specification();
        File.WriteAllText(folder["data.json"], (sound with { Data = sound.Data with { Name = "cifar11" } }).ToJson());
        File.WriteAllText(folder["model.json"], (sound with { Model = sound.Model with { Classes = 3 } }).ToJson());

        CommandRun data = await CommandRun.Of("train", "--spec", folder["data.json"]);
        CommandRun model = await CommandRun.Of("train", "--spec", folder["model.json"]);

        Assert.StartsWith($"error: {folder["data.json"]}: data: expected one of digits, ", data.Error);
        Assert.StartsWith($"error: {folder["model.json"]}: model: model \"tiny\": it has 3 classes but ", model.Error);
    }

    [Fact]
    public async Task ASpecificationThatCannotBeRepeatedIsRefused()
    {
        using TemporaryFolder folder = new();
        File.WriteAllText(folder["class.json"],
            (RunSamples.Specification() with { NumericsClass = "fp32-abacus-1" }).ToJson());
        File.WriteAllText(folder["init.json"],
            (RunSamples.Specification() with { InitialWeightsSha256 = new string('b', 64) }).ToJson());

        CommandRun otherClass = await CommandRun.Of("train", "--spec", folder["class.json"]);
        CommandRun withoutWeights = await CommandRun.Of("train", "--spec", folder["init.json"]);

        Assert.Contains("it is of numerics class fp32-abacus-1 and this program of fp32-cpu-1", otherClass.Error);
        Assert.Contains("that run started from given weights (sha256 bbbbbbbbbbbb...); name their file with --init",
            withoutWeights.Error);
    }

    [Fact]
    public async Task AModelWhoseKernelIsLargerThanItsInputIsRefused()
    {
        using TemporaryFolder folder = new();
        File.WriteAllText(folder["big.json"], """
            {"name": "big", "input": [1, 28, 28], "classes": 10, "layers": [
             {"type": "conv2d", "outChannels": 4, "kernel": 29}, {"type": "flatten"},
             {"type": "linear", "outputs": 10}]}
            """);
        CommandRun run = await CommandRun.Of("train", "--model", folder["big.json"]);
        Assert.Equal(ExitCode.UserError, run.ExitCode);
        Assert.Contains("its kernel 29x29 is larger than its input 1x28x28", run.Error);
    }
}
