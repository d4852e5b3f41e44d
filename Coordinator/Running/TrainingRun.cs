using System.Diagnostics;
using System.Globalization;
using System.Net;
using Distributed.Checkpoints;
using Distributed.Data;
using Distributed.Execution;
using Distributed.Protocol;
using Distributed.Roles.Coordinator;
using Distributed.Runtime;
using Microsoft.Extensions.Logging;

namespace Distributed.Coordinator;

/// <summary>
/// Carries out <c>train</c>: opens the run's folder, starts the local cluster while the data load, goes on from the
/// newest sound checkpoint, trains until done or stopped, and writes the result.
/// </summary>
internal sealed class TrainingRun
{
    private readonly TrainOptions _options;
    private readonly IRunView _view;
    private readonly ILogger _log;
    private readonly RunFolder _folder;
    private readonly CheckpointStore _checkpoints;
    private readonly CoordinatorTurn _turn;
    private readonly HealthStatus? _health;
    private FenceClaim? _claim;
    private long _began;
    private double _secondsBefore;

    private TrainingRun(
        TrainOptions options, IRunView view, ILogger log, RunFolder folder, CoordinatorTurn turn, HealthStatus? health)
    {
        _health = health;
        _options = options;
        _view = view;
        _log = log;
        _folder = folder;
        _turn = turn;
        _checkpoints = new CheckpointStore(folder.Checkpoints);
    }

    private Fence Fence => new(_claim!.Number);

    /// <summary>Seconds of training so far, over all processes of the run.</summary>
    private double TrainSeconds => _secondsBefore + (_began == 0 ? 0 : Stopwatch.GetElapsedTime(_began).TotalSeconds);

    /// <summary>Trains until done or stopped; returns the exit code.</summary>
    /// <param name="options">What to do.</param>
    /// <param name="view">What the user sees.</param>
    /// <param name="loggers">Where log messages go.</param>
    /// <param name="stop">Asks for a stop that can be resumed.</param>
    public static async Task<int> RunAsync(
        TrainOptions options, IRunView view, ILoggerFactory loggers, CancellationToken stop)
    {
        // By the environment, so that local workers have it too.
        if (options.CacheLimit is { } limit)
        {
            Environment.SetEnvironmentVariable(
                DatasetOptions.CacheLimitVariable, limit.ToString(CultureInfo.InvariantCulture));
        }

        foreach (LimitSetting setting in LimitSetting.All)
        {
            if (setting.Read(options.Limits) == setting.Read(ProtocolLimits.Default)) continue;
            Environment.SetEnvironmentVariable(
                setting.Variable, setting.Read(options.Limits).ToString(CultureInfo.InvariantCulture));
        }

        HealthStatus? health = options.Health is null ? null : new HealthStatus("its turn to coordinate");
        using HealthEndpoint? endpoint = health is null ? null : HealthEndpoint.Open(options.Health!, health);
        if (endpoint is not null) view.Show(new Notice($"{endpoint}"));
        await using CoordinatorTurn turn = CoordinatorTurn.Start(
            options, sentence => view.Show(new Notice(sentence)), loggers);
        try
        {
            TurnEnding ending = await turn.WaitAsync(() => RunFolder.IsFinishedAt(options), stop);
            if (ending == TurnEnding.Stopped) return ExitCode.Stopped;
            health?.WaitsFor = "the data, and the run to begin";
            using RunFolder folder = RunFolder.Open(
                options.RunsFolder, options.Name, options.Fresh, shared: options.HasStandBys);
            if (folder.MovedTo is { } moved) view.Show(new Notice($"The run of that name before is kept in {moved}."));
            TrainingRun run = new(options, view, loggers.CreateLogger("train"), folder, turn, health);
            if (folder.IsFinishedFor(options)) return run.ReportFinished();
            return ending == TurnEnding.Taken ? await run.TrainAsync(stop)
                : throw new TurnLostException("Another coordinator has begun to extend the run that it had finished.");
        }
        catch (Exception lost) when (lost is TurnLostException
            || (lost is LinkException && turn.Lost.IsCancellationRequested))
        {
            view.Show(new Notice($"{lost.Message} The same command stands by again."));
            return ExitCode.Stopped;
        }
    }

    private int ReportFinished()
    {
        RunSpecification asked = Complete(_turn.Data(Wanted()));
        _folder.RequireSame(asked);
        RunResult result = _folder.Result!;
        string accuracy = Wording.Percent(result.TestAccuracy ?? double.NaN);
        Say($"This run is finished ({result.Epochs} epochs, test accuracy {accuracy}); its result is in "
            + $"{_folder.Folder}. --more-epochs N extends it, --fresh starts anew.");
        return ExitCode.Done;
    }

    private async Task<int> TrainAsync(CancellationToken stop)
    {
        RunSpecification wanted = Wanted();
        if (_turn.Node is null) RunData.Fetch(wanted, _options.DataDirectory, Say); // a node has fetched them already
        _claim = FenceClaim.Claim(_folder.Checkpoints);
        (string token, string? tokenFile) = _options.Listen is null
            ? (RunPlan.GivenToken() ?? RunPlan.NewToken(), null) : _folder.KeepToken(RunPlan.GivenToken());
        using TraceWriter? trace = _options.Trace
            ? new TraceWriter(new TraceFile(_folder.Trace, Say), Fence) : null;
        ClusterPlan plan = new()
        {
            Run = _folder.Run,
            Fence = Fence,
            Specification = wanted,
            DataDirectory = _options.DataDirectory,
            Workers = _options.Workers,
            Threads = _options.Threads,
            Device = _options.Device,
            Token = token,
            Listen = _options.Listen,
            Security = _options.Security,
            Limits = _options.Limits,
            SecurityOptions = _options.SecurityOptions,
            Node = _turn.Node,
            Trace = trace,
            Health = _health,
        };
        using LocalCluster local = LocalCluster.Start(plan, _log);
        if (local.Address is { } address && tokenFile is not null) SayHowToJoin(address, tokenFile);

        try
        {
            RunData data = _turn.Data(wanted);
            RunSpecification specification = Complete(data);
            RequireSame(specification);
            return await TrainAsync(specification, data, local, stop);
        }
        finally
        {
            await local.StopAsync();
        }
    }

    private void SayHowToJoin(HostAddress address, string tokenFile)
    {
        IPAddress ip = address.EndPoint.Address;
        string join = ip.Equals(IPAddress.Any) || ip.Equals(IPAddress.IPv6Any)
            ? $"{Environment.MachineName}:{address.EndPoint.Port}" : address.ToString();
        if (_options.Engine is { } engine)
            join = $"{(_options.HasStandBys ? string.Join(',', _options.SeedNodes) : join)} --engine {engine.Name}";
        string certificates = _options.Security.IsTls ? " --certificates FOLDER" : "";
        Say($"Other workers join with: worker --join {join} --token-file '{tokenFile}'{certificates} "
            + "[--data-from coordinator]");
        if (IPAddress.IsLoopback(ip) || _options.HasStandBys) return;
        Say("There is one coordinator and no other stands by: if it is lost, the same command goes on from the newest "
            + "checkpoint.");
        if (!_options.Security.IsTls) Say($"Without TLS {LinkSecurity.InsecureWords}.");
    }

    private async Task<int> TrainAsync(
        RunSpecification specification, RunData data, LocalCluster local, CancellationToken stop)
    {
        (ParameterStore store, TrainingProgress progress) = Restore(specification, data);
        bool isRecorded = _folder.Recorded is { } recorded && recorded.Epochs == specification.Epochs;
        if (!isRecorded || _folder.Result is not null) _folder.Record(specification, _options);

        using MetricsWriter metrics = new(_folder.Metrics, progress, specification, Say);
        RunFigures figures = new(SecondsSinceStart);
        CoordinatorActor? coordinator = null;
        Action<Exception>? fault = null;
        using CheckpointSaver saver = new(_checkpoints, store, specification)
        {
            Fence = Fence,
            ClassNames = data.Dataset.ClassNames,
            TrainSeconds = () => TrainSeconds,
            Post = input => coordinator!.Post(input),
            Show = Show,
            Fault = exception => fault!(exception),
        };
        using Cluster cluster = new(
            specification, data, store, local, figures, Show,
            RunPlan.Settings(
                specification, _options.MinimumWorkers, _options.CheckpointEverySteps, _options.HasStandBys),
            Fence, progress)
        { Saver = saver };
        (coordinator, fault) = (cluster.Coordinator, cluster.Fault);
        _view.Begin(Header(specification, store, progress, local));
        _began = Stopwatch.GetTimestamp();
        local.Begin(cluster);
        _health?.WaitsFor = null;
        using CancellationTokenRegistration stopping = stop.Register(() => coordinator.Post(new StopRequested()));
        using CancellationTokenRegistration lost = _turn.Lost.Register(() => cluster.Fault(new TurnLostException(
            "This node coordinates no longer: it was cut off from the others, or stood still for too long.")));
        Finish finish;
        try
        {
            finish = await cluster.Finished;
        }
        finally
        {
            await local.StopAsync();
        }

        if (!_claim!.IsHighest) throw new TurnLostException("Another coordinator has taken over this run.");
        return End(finish, cluster, saver, local, metrics, progress.Step);

        void Show(RunEvent happened)
        {
            if (happened is StepEnded step)
            {
                metrics.Write(step, specification.Rate(step.Progress.Step, step.Reductions));
                _view.ShowShares(figures.Shares);
            }
            else if (happened is EpochEnded epoch)
            {
                metrics.Write(epoch);
            }

            local.Connections.Trace?.Write(happened);
            _view.Show(happened);
        }
    }

    /// <summary>The parameters where the run stands: from the newest sound checkpoint, given weights, or the seed.
    /// </summary>
    private (ParameterStore Store, TrainingProgress Progress) Restore(RunSpecification specification, RunData data)
    {
        // Never freed: a link's thread may still be receiving into it when the run ends, and the process ends with it.
        ParameterStore store = new(specification, RunPlan.MaximumGradients(specification))
        {
            Weights = StepWeights.For(specification, data),
        };
        if (_options.Initial is { } initial)
        {
            foreach (string note in InitialWeights.Read(initial, store.Layout, store.Parameters).Notes) Say(note);
            store.BeginHere();
        }

        RestoredRun? restored = RunRestore.Load(_checkpoints, specification, store, Say);
        _secondsBefore = restored?.TrainSeconds ?? 0;
        return (store, restored?.Progress ?? new TrainingProgress());
    }

    private int End(
        Finish finish, Cluster cluster, CheckpointSaver saver, LocalCluster local, MetricsWriter metrics,
        long resumedFrom)
    {
        TrainingProgress progress = cluster.Coordinator.Progress;
        RunFigures figures = cluster.Figures;
        string weights = CheckpointMapping.HashWeights(cluster.Store.Layout, cluster.Store.Parameters);
        int[][] confusion = finish.Test is { } test ? Confusion(test, cluster.Data) : [];
        double samplesPerSecond = figures.StepSeconds > 0 ? figures.Samples / figures.StepSeconds : 0;
        RunResult result = RunResult.Of(finish.Ending, finish.Reason, cluster.Specification, progress, finish.Test) with
        {
            WeightsSha256 = weights,
            BestWeightsSha256 = CheckpointMapping.HashWeights(cluster.Store.Layout, cluster.Store.Best),
            TrainSeconds = TrainSeconds,
            SamplesPerSecond = samplesPerSecond,
            Workers = _options.Workers,
            MicroBatchesByWorker = figures.MicroBatches,
            ResumedFromStep = resumedFrom,
            Restarts = local.Restarts,
            AllocatedBytesPerStep = figures.AllocatedBytesPerStep,
            CoordinationMs = figures.CoordinationMilliseconds,
            FirstStepSeconds = figures.FirstStepSeconds > 0 ? figures.FirstStepSeconds : null,
            Confusion = confusion.Length > 0 ? confusion : null,
            Classes = confusion.Length > 0 ? ClassReport.Of(confusion, cluster.Data.Dataset.ClassNames) : null,
        };
        _view.End(new RunSummary
        {
            Ending = finish.Ending,
            Reason = finish.Reason,
            Progress = progress,
            TrainingSamples = cluster.Specification.Data.TrainingSamples,
            Epochs = cluster.Specification.Epochs,
            Test = finish.Test,
            Confusion = confusion,
            ClassNames = cluster.Data.Dataset.ClassNames,
            TrainSeconds = TrainSeconds,
            SamplesPerSecond = samplesPerSecond,
            Shares = figures.Shares,
            Restarts = local.Restarts,
            WeightsSha256 = weights,
            Folder = _folder.Folder,
            LatestCheckpoint = saver.Last?.Path,
            BestCheckpoint = _checkpoints.Best is { } best ? Path.Combine(_checkpoints.Folder, best) : null,
        });
        metrics.Write(result);
        _folder.Record(result);
        return finish.Ending switch
        {
            RunEnding.Completed => ExitCode.Done,
            RunEnding.Stopped => ExitCode.Stopped,
            RunEnding.UserError => ExitCode.UserError,
            _ => ExitCode.Fault,
        };
    }

    /// <summary>What the command asks for, before the data are known.</summary>
    private RunSpecification Wanted()
    {
        RunSpecification wanted = _options.Specification with { Epochs = _folder.EpochsAsked(_options) };
        if (_options.Initial is not { } initial) return wanted;
        var layout = Learning.ParameterLayout.Of(wanted.Model);
        float[] block = new float[layout.Length];
        layout.Initialize(wanted.Seed, block);
        return wanted with { InitialWeightsSha256 = InitialWeights.Read(initial, layout, block).Sha256 };
    }

    private RunSpecification Complete(RunData data) => data.Complete(Wanted());

    private void RequireSame(RunSpecification specification) => _folder.RequireSame(
        _options.MoreEpochs > 0 ? specification with { Epochs = _folder.Recorded!.Epochs } : specification);

    private RunHeader Header(
        RunSpecification specification, ParameterStore store, TrainingProgress progress, LocalCluster local) => new()
        {
            Model = specification.Model.Name,
            Parameters = store.Layout.Count,
            Data = specification.Data.Name,
            TrainingSamples = specification.Data.TrainingSamples,
            ValidationSamples = specification.Data.ValidationSamples,
            TestSamples = specification.Data.TestSamples,
            Batch = specification.Batch,
            MicroBatch = specification.MicroBatch,
            Epochs = specification.Epochs,
            StepsPerEpoch = specification.StepsPerEpoch,
            Seed = specification.Seed,
            Workers = _options.Workers,
            Threads = _options.Threads,
            Listen = local.Address?.ToString(),
            Folder = _folder.Folder,
            ResumedFromStep = progress.Step,
            TurnedAway = () => local.Connections.TurnedAway.Total,
            Progress = progress.Step > 0 ? progress : null,
        };

    private static int[][] Confusion(EvaluationScore test, RunData data)
    {
        int[] labels = [.. Enumerable.Range(0, test.Samples).Select(sample => data.Label(DataSplit.Test, sample))];
        return ConfusionMatrix.Count(labels, test.Predictions, data.Dataset.ClassNames.Count);
    }

    private static double SecondsSinceStart()
    {
        using Process process = Process.GetCurrentProcess();
        return (DateTime.Now - process.StartTime).TotalSeconds;
    }

    private void Say(string sentence) => _view.Show(new Notice(sentence));
}
