using System.Diagnostics;
using System.Reflection;
using Distributed.Data;
using Distributed.Execution;
using Distributed.Numerics;
using Distributed.Protocol;
using Distributed.Roles.Worker;
using Distributed.Runtime;

namespace Distributed.Worker;

/// <summary>How a session ended.</summary>
/// <param name="ExitCode">The process's exit code.</param>
/// <param name="Reason">A sentence for a person; empty when there is nothing to say.</param>
internal readonly record struct SessionEnd(int ExitCode, string Reason);

/// <summary>What a stay in a run leaves for the next one.</summary>
/// <param name="Run">The run.</param>
/// <param name="Fence">That of its coordinator.</param>
/// <param name="Specification">The run's specification, as the coordinator sent it.</param>
/// <param name="Data">What was loaded for it; null: that was not done.</param>
internal sealed record RunPlace(RunId Run, Fence Fence, string Specification, RunData? Data);

/// <summary>
/// One stay of this worker in a run: joins, loads what the coordinator's specification names, and carries out the
/// worker role's effects until the coordinator says stop or a link ends.
/// </summary>
internal sealed class WorkerSession : IControlHandler, IParameterReceiver, IDisposable
{
    /// <summary>Longer than what a network that was cut for moments takes to bring what was sent meanwhile.</summary>
    private static readonly TimeSpan LastWordDeadline = TimeSpan.FromSeconds(5);

    /// <summary>A job, or the compilation of a plan's kernels, takes no longer on any machine.</summary>
    private static readonly TimeSpan ThreadDeadline = TimeSpan.FromMinutes(5);

    private readonly WorkerOptions _options;
    private readonly WorkerNode _node;
    private readonly TaskCompletionSource<SessionEnd> _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly List<WorkerEffect> _effects = new(64);
    private readonly IActor<WorkerInput> _mailbox;
    private readonly IControlLink _control;
    private readonly Welcome _welcome;
    private readonly WorkerExecution _execution;
    private readonly WorkerRole _role;
    private readonly ComputeThreads _threads;
    private readonly WorkerTrace? _trace;
    private LoaderThread? _loader;
    private IWorkerLink? _data;
    private Func<IBlock>? _rentGradient;
    private RunData? _runData;
    private IBlock? _arrived;
    private long _allocatedBytes;

    private WorkerSession(
        WorkerOptions options, WorkerNode node, IControlLink control, Welcome welcome, WorkerExecution execution)
    {
        _options = options;
        _node = node;
        _control = control;
        _welcome = welcome;
        _execution = execution;
        _role = new WorkerRole(welcome.Fence, options.Threads, execution.LeavesPerPass);
        _mailbox = node.Engine.Start<WorkerInput>("worker", Handle, Fault);
        _trace = WorkerTrace.Begin(welcome, options.Threads, control);
        _threads = new ComputeThreads(execution, _mailbox, options.Threads, _trace, Fault);
    }

    /// <summary>Completed when the session has ended.</summary>
    public Task<SessionEnd> Completion => _ended.Task;

    /// <summary>Joins a coordinator. Data load while the plan's kernels are compiled.</summary>
    /// <exception cref="LinkException">Nobody listens there, or the coordinator refused.</exception>
    /// <param name="options">Who joins.</param>
    /// <param name="node">Finds the coordinator.</param>
    /// <param name="last">The stay before this one; null: none.</param>
    /// <param name="stop">Whether data are waited for no longer.</param>
    public static WorkerSession Join(
        WorkerOptions options, WorkerNode node, RunPlace? last, CancellationToken stop = default)
    {
        (IControlLink control, Welcome welcome) = node.Join(new Hello(
            ProtocolVersion.Current, options.Token, ProgramVersion, options.NumericsClass,
            Environment.MachineName, Environment.ProcessId, options.Threads, options.LaunchId));
        if (last is { } before && before.Run == welcome.Run && welcome.Fence < before.Fence)
        {
            control.Finish();
            throw new LinkException($"The coordinator that answered works under fence {welcome.Fence}, and another one "
                + $"under {before.Fence} has taken over since.");
        }

        options.Vitals.Joined();
        RunSpecification specification = RunSpecification.FromJson(
            welcome.Specification, "the coordinator's specification");
        WorkerExecution execution = new(specification, options.Threads, options.Device);
        WorkerSession session = new(options, node, control, welcome, execution);
        control.Start(welcome, session);
        try
        {
            session.Prepare(specification, last, stop);
        }
        catch
        {
            session.Dispose();
            session.Free(); // it may be tried again and again
            throw;
        }

        return session;
    }

    /// <summary>In which run it stays, under whom, and with which data.</summary>
    public RunPlace Place => new(_welcome.Run, _welcome.Fence, _welcome.Specification, _runData);

    /// <summary>Tells the coordinator that this worker is about to leave; it is let go once its work is done.</summary>
    public void Leave() => _control.Send(new Leaving("it was asked to stop"));

    public void Received(IControlLink link, Message message) => Received(message);

    public void Received(Message message)
    {
        switch (message)
        {
            case Train train when _execution.IsSound(train): Post(WorkerInputKind.Train, train); break;
            case Credit credit: Post(WorkerInputKind.Credit, credit); break;
            case Evaluate evaluate when _execution.IsSound(evaluate): Post(WorkerInputKind.Evaluate, evaluate); break;
            case Stop:
                _trace?.Dispose(); // while the link is open: the coordinator ends it next
                _ended.TrySetResult(new SessionEnd(0, ""));
                break;
            default:
                _ended.TrySetResult(new SessionEnd(
                    ExitCodes.CoordinatorLost, $"The coordinator asked for what does not exist: {message}."));
                break;
        }
    }

    public void Ended(IControlLink link, LinkEnd end) => EndWith(end);

    void IParameterReceiver.Arrived(in ParametersHeader header, IBlock parameters)
    {
        _arrived = parameters;
        _mailbox.Post(new WorkerInput(WorkerInputKind.ParametersArrived, Version: header.Version));
    }

    // The coordinator closes both links when the run ends; its word to stop may come a moment later by the other one.
    void IParameterReceiver.Ended(LinkEnd end) =>
        _ = _ended.Task.WaitAsync(LastWordDeadline).ContinueWith(_ => EndWith(end with
        {
            Reason = $"{end.Reason}, and no word to stop came within {LastWordDeadline.TotalSeconds:0} s",
        }), TaskScheduler.Default);

    public void Dispose()
    {
        _options.Vitals.Left();
        _mailbox.Close();
        _threads.Dispose();
        _loader?.Dispose();
        _data?.Dispose();
        _trace?.Dispose();
        _control.Finish();
    }

    /// <summary>After <see cref="Dispose"/>, where another session is to follow: waits for the threads, and frees the
    /// memory that they used.</summary>
    public void Free()
    {
        if (!_threads.Join(ThreadDeadline) || _loader?.Join(ThreadDeadline) == false)
        {
            throw new InvalidOperationException(
                $"A thread of this worker has not ended within {ThreadDeadline.TotalSeconds:0} s; so the worker ends.");
        }

        _data?.Free();
        _execution.Dispose();
    }

    /// <summary>The program's version, which coordinator and worker must share.</summary>
    internal static string ProgramVersion { get; } =
        typeof(WorkerSession).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()
            ?.InformationalVersion ?? "?";

    private void Prepare(RunSpecification specification, RunPlace? last, CancellationToken stop)
    {
        Thread warmUp = new(WarmUp) { IsBackground = true, Name = "warm-up" };
        warmUp.Start();
        try
        {
            // The same data need not be loaded again, nor stay in memory twice.
            bool isSame = last?.Run == _welcome.Run && last.Specification == _welcome.Specification;
            _runData = (isSame ? last!.Data : null) ?? LoadData(specification, stop);
        }
        finally
        {
            warmUp.Join();
        }

        // A device may have failed meanwhile.
        if (_runData is not { } data || Completion.IsCompleted) return;
        _execution.UseData(data);
        _loader = LoaderThread.Start(_execution, _trace?.Loader);
        _options.Vitals.Loaded();
        _control.Send(new Ready(data.Dataset.Sha256, _execution.ParameterCount));
        HostAddress address = _node.DataAddress(_welcome);
        _data = Connector.OpenData(address.EndPoint, new DataHello(
            _options.Token, _welcome.Run, _welcome.Fence, _welcome.Worker),
            new TensorLengths(_execution.ParameterLength, _execution.GradientLength), _control.Pool,
            _options.Limits, _options.Security.Toward(address.Host));
        _rentGradient = _data.RentGradient;
        _threads.Watch(_data);
        _data.Start(this);
        _options.Vitals.TakesPart();
    }

    private void WarmUp()
    {
        try
        {
            _execution.WarmUp();
        }
        catch (DeviceException error)
        {
            Fault(error);
        }
    }

    /// <summary>Null where the session has ended meanwhile.</summary>
    private RunData? LoadData(RunSpecification specification, CancellationToken stop)
    {
        RunData? data = new WorkerData(
            _options, _node, _welcome, () => Completion.IsCompleted || stop.IsCancellationRequested)
            .Load(specification);
        if (data is null) _ended.TrySetResult(new SessionEnd(ExitCodes.Done, ""));
        return data;
    }

    private void Post(WorkerInputKind kind, Message message) => _mailbox.Post(new WorkerInput(kind, message));

    private void EndWith(LinkEnd end) => _ended.TrySetResult(new SessionEnd(
        ExitCodes.CoordinatorLost, $"The coordinator at {_control.Peer} is gone: {end.Reason}."));

    /// <summary>
    /// Streamed images may turn out to be broken or changed at any time, and a device may fail.
    /// </summary>
    private void Fault(Exception exception) => _ended.TrySetResult(exception is DataException or DeviceException
        ? new SessionEnd(ExitCodes.UserError, exception.Message)
        : new SessionEnd(ExitCodes.Fault, $"A fault of ours: {exception}"));

    private void Handle(WorkerInput input)
    {
        _effects.Clear();
        _options.Vitals.Count(input);
        if (input.Message is Train train) _execution.Expect(train);
        _role.Handle(input, _effects);
        if (input.Message is { } message) _control.Return(message);
        foreach (WorkerEffect effect in _effects) Carry(effect);
    }

    private void Carry(in WorkerEffect effect)
    {
        switch (effect.Kind)
        {
            case WorkerEffectKind.UseParameters:
                _execution.UseParameters(_arrived!);
                _data!.UseArrived();
                _threads.Prepare(effect.Version);
                break;
            case WorkerEffectKind.Compute:
                _execution.EnsureBuffer(effect.Buffer, _rentGradient!);
                _execution.EnsureEpoch(effect.Epoch);
                _threads.Start(effect);
                break;
            case WorkerEffectKind.Evaluate:
                _execution.EnsureSlot(effect.Buffer.Value, effect.PartSamples);
                _threads.Start(effect);
                break;
            case WorkerEffectKind.Add: Add(effect); break;
            case WorkerEffectKind.Push: Push(effect); break;
            case WorkerEffectKind.SendResult: SendResult(effect); break;
            default: throw new InvalidOperationException($"Unknown effect {effect.Kind}.");
        }
    }

    private void Add(in WorkerEffect effect)
    {
        long began = Stopwatch.GetTimestamp();
        _execution.Add(effect.Buffer, effect.Source);
        _trace?.Role.Add(TraceActivity.Add, began);
    }

    private void Push(in WorkerEffect effect)
    {
        long began = Stopwatch.GetTimestamp();
        long allocated = GC.GetTotalAllocatedBytes();
        GradientHeader header = new(
            _welcome.Fence, effect.Step, effect.Node, effect.Statistics.Samples, effect.Statistics.LossSum,
            effect.Statistics.Correct, effect.Statistics.ComputeMicroseconds, allocated - _allocatedBytes);
        _allocatedBytes = allocated;
        _data!.Push(header, _execution.Take(effect.Buffer));
        _trace?.Role.Add(TraceActivity.Push, began, effect.Step, effect.Node.Start, effect.Node.Count);
        _options.Vitals.CountPush(_execution.GradientLength * (long)sizeof(float));
    }

    private void SendResult(in WorkerEffect effect)
    {
        (double[] losses, int[] predictions, int topFive) =
            _execution.Results(effect.Buffer.Value, effect.Count, effect.MicroBatch);
        _control.Send(new EvaluationResult(
            _welcome.Fence, effect.Evaluation, effect.First, effect.Count, losses, predictions, topFive));

        // What an evaluation allocates is no training step's.
        _allocatedBytes = GC.GetTotalAllocatedBytes();
    }
}
