using System.Runtime.InteropServices;
using Distributed.Roles.Coordinator;
using Microsoft.Extensions.Hosting;

namespace Distributed.Coordinator;

/// <summary>
/// Ctrl-C and SIGTERM: the first asks the run to end its step, save and stop; the second ends the program at once,
/// which loses nothing but the steps since the last checkpoint.
/// </summary>
internal sealed class StopSignals(IHostApplicationLifetime lifetime, IRunView view) : IHostLifetime, IDisposable
{
    private readonly List<PosixSignalRegistration> _registrations = [];
    private int _received;

    /// <inheritdoc/>
    public Task WaitForStartAsync(CancellationToken cancellation)
    {
        foreach (PosixSignal signal in (PosixSignal[])[PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGQUIT])
            _registrations.Add(PosixSignalRegistration.Create(signal, Receive));
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task StopAsync(CancellationToken cancellation) => Task.CompletedTask;

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (PosixSignalRegistration registration in _registrations) registration.Dispose();
    }

    private void Receive(PosixSignalContext context)
    {
        context.Cancel = true;
        if (Interlocked.Increment(ref _received) == 1)
        {
            view.Show(new Notice("Stopping: this step ends and a checkpoint is written; once more ends at once."));
            lifetime.StopApplication();
            return;
        }

        view.Dispose();
        Environment.Exit(ExitCode.Stopped);
    }
}
