using Distributed.Protocol;
using Distributed.Roles.Coordinator;
using Xunit;

namespace Distributed.Roles.Tests;

/// <summary>A coordinator role under test, with a clock set by hand and answers that a cluster would give.</summary>
internal sealed class CoordinatorBench
{
    public static readonly Fence Fence = new(4);

    private readonly TrainingSettings _settings;
    private long _version = 100;

    public CoordinatorBench(TrainingSettings? settings = null, TrainingProgress? progress = null)
    {
        _settings = settings ?? Settings();
        Role = new CoordinatorRole(
            _settings, Fence, progress ?? new TrainingProgress(), new ParameterVersion(_version), Now);
    }

    public CoordinatorRole Role { get; }

    public TimeSpan Now { get; private set; }

    public static TrainingSettings Settings() => new()
    {
        TrainingSamples = 10,
        ValidationSamples = 0,
        TestSamples = 0,
        Batch = 8,
        MicroBatch = 2,
        Epochs = 2,
    };

    public List<CoordinatorEffect> Tell(CoordinatorInput input)
    {
        List<CoordinatorEffect> effects = [];
        Role.Handle(input, Now, effects);
        Assert.True(Role.Deadline is null || Role.Deadline > Now, "The deadline has passed and stays.");
        return effects;
    }

    /// <summary>Lets time pass to each deadline on the way, while the workers named are heard every second.</summary>
    public List<CoordinatorEffect> Wait(double seconds, params int[] heard)
    {
        List<CoordinatorEffect> effects = [];
        TimeSpan end = Now + TimeSpan.FromSeconds(seconds);
        while (Now < end)
        {
            TimeSpan next = Now + TimeSpan.FromSeconds(1);
            if (Role.Deadline is { } deadline && deadline < next) next = deadline;
            Now = next < end ? next : end;
            foreach (int worker in heard) effects.AddRange(Tell(new WorkerHeard(new WorkerId(worker))));
            effects.AddRange(Tell(new DeadlineReached()));
        }

        return effects;
    }

    public List<CoordinatorEffect> Join(int worker, int threads = 1) =>
        Tell(new WorkerJoined(new WorkerId(worker), $"w{worker}", threads));

    public List<CoordinatorEffect> Accept(int worker, TreeNode node, int pending = 1) => Tell(new NodeAccepted(
        new StepNumber(Role.Progress.Step + 1), node, new WorkerId(worker),
        new NodeStatistics(2 * node.Count, 1, 1, 1000 * node.Count), pending));

    /// <summary>The step under way is applied.</summary>
    public List<CoordinatorEffect> Apply(double loss = 1, int correct = 1)
    {
        int samples = Math.Min(
            _settings.Batch, _settings.TrainingSamples - Role.Progress.StepInEpoch * _settings.Batch);
        return Tell(new StepApplied(
            new StepNumber(Role.Progress.Step + 1),
            new ParameterVersion(++_version),
            new NodeStatistics(samples, loss, correct, 1)));
    }

    /// <summary>
    /// Answers every part of an evaluation that was handed out in <paramref name="effects"/>, until it is over.
    /// </summary>
    public List<CoordinatorEffect> Score(List<CoordinatorEffect> effects, double loss, int correct)
    {
        List<CoordinatorEffect> all = [];
        Queue<SendToWorker> open = new(effects.OfType<SendToWorker>().Where(send => send.Message is Evaluate));
        while (open.TryDequeue(out SendToWorker? send))
        {
            Evaluate part = (Evaluate)send.Message;
            double[] losses = new double[(part.Count + part.MicroBatch - 1) / part.MicroBatch];
            Array.Fill(losses, loss);
            EvaluationResult result = new(
                Fence, part.Evaluation, part.First, part.Count, losses, new int[part.Count], part.Count);
            List<CoordinatorEffect> next = Tell(new EvaluationReturned(send.Worker, result, correct));
            all.AddRange(next);
            foreach (SendToWorker more in next.OfType<SendToWorker>().Where(more => more.Message is Evaluate))
                open.Enqueue(more);
        }

        return all;
    }

    /// <summary>What a worker was last told to compute.</summary>
    public static Train? TrainOf(List<CoordinatorEffect> effects, int worker) => effects.OfType<SendToWorker>()
        .Where(send => send.Worker.Value == worker).Select(send => send.Message).OfType<Train>().LastOrDefault();

    public static WorkerStanding[] Standings(List<CoordinatorEffect> effects, int worker) =>
        [.. effects.OfType<Report>().Select(report => report.Event).OfType<WorkerChanged>()
            .Where(changed => changed.Worker.Value == worker).Select(changed => changed.Standing)];

    public static string[] Notices(List<CoordinatorEffect> effects) =>
        [.. effects.OfType<Report>().Select(report => report.Event).OfType<Notice>().Select(notice => notice.Text)];
}
