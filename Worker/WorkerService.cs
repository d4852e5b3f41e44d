using Distributed.Data;
using Distributed.Execution;
using Distributed.Learning;
using Distributed.Runtime;
using Microsoft.Extensions.Hosting;

namespace Distributed.Worker;

/// <summary>Runs one session under the host; SIGTERM lets it end what it has first.</summary>
internal sealed class WorkerService(WorkerOptions options, IHostApplicationLifetime lifetime) : BackgroundService
{
    private static readonly TimeSpan LeaveDeadline = TimeSpan.FromSeconds(10);

    private readonly TaskCompletionSource<SessionEnd> _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Blocks until the session has ended.</summary>
    public SessionEnd WaitForEnd() => _ended.Task.GetAwaiter().GetResult();

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        Task.Run(() => RunAsync(lifetime.ApplicationStopping), CancellationToken.None);

    private async Task RunAsync(CancellationToken stoppingToken)
    {
        try
        {
            using WorkerSession session = WorkerSession.Join(options);
            using CancellationTokenRegistration leave = stoppingToken.Register(session.Leave);
            await Task.WhenAny(session.Completion, CancelledAndOverdue(stoppingToken)).ConfigureAwait(false);
            _ended.TrySetResult(
                session.Completion.IsCompleted ? await session.Completion.ConfigureAwait(false) : default);
        }
        catch (LinkException e) when (options.IsLocal && !e.Refused)
        {
            // Its coordinator is there, or it will end with it: worth another try.
            _ended.TrySetResult(new SessionEnd(ExitCodes.CoordinatorLost, e.Message));
        }
        catch (Exception e) when (e is LinkException or DataException or ModelException or SpecificationException)
        {
            _ended.TrySetResult(new SessionEnd(ExitCodes.UserError, e.Message));
        }
        catch (Exception e)
        {
            _ended.TrySetResult(new SessionEnd(ExitCodes.Fault, $"A fault of ours: {e}"));
        }
    }

    private static async Task CancelledAndOverdue(CancellationToken stoppingToken)
    {
        await Task.Delay(Timeout.InfiniteTimeSpan, stoppingToken)
            .ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default)
            .ConfigureAwait(false);
        await Task.Delay(LeaveDeadline, CancellationToken.None).ConfigureAwait(false);
    }
}
