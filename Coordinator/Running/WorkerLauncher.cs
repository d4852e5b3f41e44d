using System.Diagnostics;
using System.Globalization;

namespace Distributed.Coordinator;

/// <summary>A worker's process.</summary>
internal interface IWorkerProcess : IDisposable
{
    /// <summary>The system's number for it.</summary>
    int Id { get; }

    /// <summary>Lets it see the end of its standard input, at which it ends by itself.</summary>
    void CloseInput();

    /// <summary>Ends it at once; no error if it has ended.</summary>
    void Kill();
}

/// <summary>Starts worker processes.</summary>
internal interface IWorkerLauncher
{
    /// <summary>Starts one.</summary>
    /// <param name="launchId">Its place among the local workers.</param>
    /// <param name="printed">Told of every line it prints and whether that is an error; on any thread.</param>
    /// <param name="ended">Told once of its exit code, after its last line; on any thread.</param>
    IWorkerProcess Start(int launchId, Action<string, bool> printed, Action<int> ended);
}

/// <summary>Starts the worker's program that lies beside this one.</summary>
/// <remarks>
/// The run's token travels in the environment, because everybody can read another process's arguments. The worker's
/// standard input stays open and is never written to: a worker ends when it sees the end of it, so none outlives this
/// process, however it dies.
/// </remarks>
internal sealed class WorkerLauncher : IWorkerLauncher
{
    private const string ProgramName = "worker";

    private readonly string _file;
    private readonly List<string> _arguments = [];
    private readonly string _token;

    /// <summary>Finds the program.</summary>
    /// <param name="folder">Where it lies.</param>
    /// <param name="plan">What workers are told.</param>
    /// <param name="join">Where they join.</param>
    /// <param name="more">Further options.</param>
    /// <exception cref="UsageException">The program is not there.</exception>
    public WorkerLauncher(string folder, ClusterPlan plan, string join, params IEnumerable<string> more)
    {
        _token = plan.Token;
        (_file, string? library) = ProgramFiles.Find(folder, ProgramName);
        if (library is not null) _arguments.Add(library);
        _arguments.AddRange(["--join", join, .. more]);
        _arguments.AddRange(["--threads", plan.Threads.ToString(CultureInfo.InvariantCulture)]);
        if (plan.Device is { } device) _arguments.AddRange(["--device", device]);
        if (plan.DataDirectory is { } data) _arguments.AddRange(["--data-dir", Path.GetFullPath(data)]);
    }

    /// <inheritdoc/>
    public IWorkerProcess Start(int launchId, Action<string, bool> printed, Action<int> ended)
    {
        ProcessStartInfo start = new(_file)
        {
            UseShellExecute = false,
            CreateNoWindow = true,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (string argument in _arguments) start.ArgumentList.Add(argument);
        start.ArgumentList.Add("--launch-id");
        start.ArgumentList.Add(launchId.ToString(CultureInfo.InvariantCulture));
        start.Environment[RunPlan.TokenVariable] = _token;
        return new WorkerProcess(start, printed, ended);
    }

    private sealed class WorkerProcess : IWorkerProcess
    {
        private readonly Process _process;

        public WorkerProcess(ProcessStartInfo start, Action<string, bool> printed, Action<int> ended)
        {
            _process = new Process { StartInfo = start };
            _process.OutputDataReceived += (_, line) => Print(line.Data, isError: false);
            _process.ErrorDataReceived += (_, line) => Print(line.Data, isError: true);
            _process.Start();
            Id = _process.Id;
            _process.BeginOutputReadLine();
            _process.BeginErrorReadLine();
            _ = WaitAsync(ended);

            void Print(string? line, bool isError)
            {
                if (line is not null) printed(line, isError);
            }
        }

        public int Id { get; }

        public void CloseInput()
        {
            try
            {
                _process.StandardInput.Close();
            }
            catch (IOException)
            {
                // It has ended.
            }
        }

        public void Kill()
        {
            try
            {
                _process.Kill();
            }
            catch (Exception error) when (error is InvalidOperationException or System.ComponentModel.Win32Exception)
            {
                // It has ended, or is ending.
            }
        }

        public void Dispose() => _process.Dispose();

        private async Task WaitAsync(Action<int> ended)
        {
            // Also waits for the end of both streams, so that no line comes after.
            await _process.WaitForExitAsync().ConfigureAwait(false);
            ended(_process.ExitCode);
        }
    }
}
