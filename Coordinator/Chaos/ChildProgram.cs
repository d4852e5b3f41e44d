using System.Diagnostics;
using Distributed.Runtime;

namespace Distributed.Coordinator;

/// <summary>
/// A process of this program, or of the worker's beside it, with what it printed last. Disposing kills it; it ends by
/// itself with this process, however that ends.
/// </summary>
internal sealed class ChildProgram : IDisposable
{
    // In the environment of all that this process starts, and of what they start: they are found by it.
    private static readonly string Mark = Guid.NewGuid().ToString("N");

    private readonly Process _process;
    private volatile string _lastLine = "";

    private ChildProgram(ProcessStartInfo start)
    {
        _process = new Process { StartInfo = start };
        _process.OutputDataReceived += (_, line) => Keep(line.Data);
        _process.ErrorDataReceived += (_, line) => Keep(line.Data);
        _process.Start();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    /// <summary>The system's number for it.</summary>
    public int Id => _process.Id;

    /// <summary>Whether it has ended.</summary>
    public bool HasEnded => _process.HasExited;

    /// <summary>Its exit code, once it has ended.</summary>
    public int ExitCode => _process.ExitCode;

    /// <summary>The last line that it printed; empty: none.</summary>
    public string LastLine => _lastLine;

    /// <summary>Starts one.</summary>
    /// <param name="program">The program's name, of this one's folder: coordinator or worker.</param>
    /// <param name="arguments">Its arguments.</param>
    /// <param name="environment">Variables on top of this process's.</param>
    public static ChildProgram Start(
        string program, IEnumerable<string> arguments, params (string Name, string Value)[] environment)
    {
        (string file, string? library) = ProgramFiles.Find(AppContext.BaseDirectory, program);
        ProcessStartInfo start = new(file)
        {
            UseShellExecute = false,
            CreateNoWindow = true,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        if (library is not null) start.ArgumentList.Add(library);
        foreach (string argument in arguments) start.ArgumentList.Add(argument);
        foreach ((string name, string value) in environment) start.Environment[name] = value;
        start.Environment[OrphanGuard.Variable] = Mark;
        return new ChildProgram(start);
    }

    /// <summary>
    /// The processes that live of all that this one started, and that they started; none where the system has no table
    /// of processes.
    /// </summary>
    public static IReadOnlyList<int> All() => LocalProcesses.WithVariable(OrphanGuard.Variable, Mark);

    /// <summary>Ends it at once; no error if it has ended.</summary>
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

    /// <summary>Waits for its end.</summary>
    public Task WaitAsync(CancellationToken stop) => _process.WaitForExitAsync(stop);

    /// <inheritdoc/>
    public void Dispose()
    {
        Kill();
        _process.Dispose();
    }

    private void Keep(string? line)
    {
        if (line is { Length: > 0 }) _lastLine = line;
    }
}
