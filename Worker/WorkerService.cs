using System.Diagnostics;
using Distributed.Data;
using Distributed.Execution;
using Distributed.Learning;
using Distributed.Numerics;
using Distributed.Runtime;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Distributed.Worker;

/// <summary>
/// Runs sessions under the host: one, and others where the coordinator was lost and is found again. SIGTERM lets a
/// session end what it has first.
/// </summary>
internal sealed class WorkerService(
    WorkerOptions options, IHostApplicationLifetime lifetime, ILoggerFactory loggers) : BackgroundService
{
    private static readonly TimeSpan LeaveDeadline = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan RejoinPause = TimeSpan.FromSeconds(1);

    private readonly TaskCompletionSource<SessionEnd> _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Blocks until the session has ended.</summary>
    public SessionEnd WaitForEnd() => _ended.Task.GetAwaiter().GetResult();

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        Task.Run(() => RunAsync(lifetime.ApplicationStopping), CancellationToken.None);

    private async Task RunAsync(CancellationToken stoppingToken)
    {
        SessionEnd end;
        await using (WorkerNode node = new(options, loggers))
        {
            try
            {
                end = await StayAsync(node, stoppingToken).ConfigureAwait(false);
            }
            catch (LinkException e) when (options.IsLocal && !e.Refused)
            {
                // Its coordinator is there, or it will end with it: worth another try.
                end = new SessionEnd(ExitCodes.CoordinatorLost, e.Message);
            }
            catch (Exception e) when (e is LinkException or DataException or ModelException or SpecificationException
                or DeviceException)
            {
                end = new SessionEnd(ExitCodes.UserError, e.Message);
            }
            catch (Exception e)
            {
                end = new SessionEnd(ExitCodes.Fault, $"A fault of ours: {e}");
            }
        }

        _ended.TrySetResult(end);
    }

    private async Task<SessionEnd> StayAsync(WorkerNode node, CancellationToken stoppingToken)
    {
        SessionEnd end;
        WorkerSession? session = WorkerSession.Join(options, node, last: null, stoppingToken);
        do
        {
            end = await StayAsync(session, stoppingToken).ConfigureAwait(false);
            if (end.ExitCode != ExitCodes.CoordinatorLost || !MayRejoin(stoppingToken)) break;
            session.Free();
            Console.Error.WriteLine($"{end.Reason} Looking for it again, for {options.Rejoin.TotalSeconds:0} s.");
            session = await RejoinAsync(node, session.Place, stoppingToken).ConfigureAwait(false);
            if (session is null && !stoppingToken.IsCancellationRequested)
            {
                end = end with
                {
                    Reason = $"{end.Reason} It was looked for in vain for {options.Rejoin.TotalSeconds:0} s; start "
                        + "this worker again when it is back.",
                };
            }
        }
        while (session is not null);
        return end;
    }

    // A local worker is its coordinator's to start again.
    private bool MayRejoin(CancellationToken stoppingToken) =>
        !options.IsLocal && options.Rejoin > TimeSpan.Zero && !stoppingToken.IsCancellationRequested;

    private static async Task<SessionEnd> StayAsync(WorkerSession session, CancellationToken stoppingToken)
    {
        using WorkerSession staying = session;
        using CancellationTokenRegistration leave = stoppingToken.Register(session.Leave);
        await Task.WhenAny(session.Completion, CancelledAndOverdue(stoppingToken)).ConfigureAwait(false);
        return session.Completion.IsCompleted ? await session.Completion.ConfigureAwait(false) : new SessionEnd(
            ExitCodes.Done, $"The coordinator did not let this worker go within {LeaveDeadline.TotalSeconds:0} s of "
                + "being asked to; it leaves, and its work is dealt again.");
    }

    /// <summary>Tries to join until a coordinator lets it in; null: none did in time, or this is to stop.</summary>
    /// <exception cref="LinkException">A coordinator is there and refuses.</exception>
    private async Task<WorkerSession?> RejoinAsync(
        WorkerNode node, RunPlace last, CancellationToken stoppingToken)
    {
        long begun = Stopwatch.GetTimestamp();
        while (!stoppingToken.IsCancellationRequested && Stopwatch.GetElapsedTime(begun) < options.Rejoin)
        {
            try
            {
                await Task.Delay(RejoinPause, stoppingToken).ConfigureAwait(false);
                return WorkerSession.Join(options, node, last, stoppingToken);
            }
            catch (LinkException e) when (!e.Refused)
            {
                // Not there yet.
            }
            catch (OperationCanceledException)
            {
                // Asked to stop.
            }
        }

        return null;
    }

    private static async Task CancelledAndOverdue(CancellationToken stoppingToken)
    {
        await Task.Delay(Timeout.InfiniteTimeSpan, stoppingToken)
            .ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default)
            .ConfigureAwait(false);
        await Task.Delay(LeaveDeadline, CancellationToken.None).ConfigureAwait(false);
    }
}
