using System.Runtime.InteropServices;
using Microsoft.Extensions.Hosting;

namespace Distributed.Worker;

/// <summary>
/// SIGTERM asks the worker to leave once its work is done; so does Ctrl-C, but not for a worker that a coordinator
/// started: Ctrl-C reaches the whole terminal group, and is the coordinator's to handle.
/// </summary>
internal sealed class WorkerLifetime(
    WorkerOptions options, IHostApplicationLifetime lifetime) : IHostLifetime, IDisposable
{
    private readonly List<PosixSignalRegistration> _registrations = [];

    public Task WaitForStartAsync(CancellationToken cancellationToken)
    {
        _registrations.Add(PosixSignalRegistration.Create(PosixSignal.SIGTERM, Leave));
        _registrations.Add(PosixSignalRegistration.Create(PosixSignal.SIGINT, options.IsLocal ? Ignore : Leave));
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public void Dispose()
    {
        foreach (PosixSignalRegistration registration in _registrations) registration.Dispose();
    }

    private static void Ignore(PosixSignalContext context) => context.Cancel = true;

    private void Leave(PosixSignalContext context)
    {
        context.Cancel = true;
        lifetime.StopApplication();
    }
}
