using System.Diagnostics;
using System.Text;
using Distributed.Cluster.Native;
using Xunit;

namespace Distributed.Cluster;

/// <summary>One process of ours, with what it printed. Disposing ends it and the workers it started.</summary>
internal sealed class ProgramRun : IDisposable
{
    private readonly Process _process;
    private readonly StringBuilder _output = new();
    private readonly StringBuilder _error = new();

    public ProgramRun(
        string program, string folder, IEnumerable<string> arguments, IReadOnlyDictionary<string, string> environment)
    {
        ProcessStartInfo start = new(program)
        {
            WorkingDirectory = folder,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (string argument in arguments) start.ArgumentList.Add(argument);
        foreach (string name in start.Environment.Keys.ToArray())
        {
            if (name.StartsWith("DISTRIBUTED_", StringComparison.Ordinal)) start.Environment.Remove(name);
        }

        // A process that is killed would leave its debugger's pipes in the folder of temporary files.
        start.Environment["DOTNET_EnableDiagnostics"] = "0";
        foreach ((string name, string value) in environment) start.Environment[name] = value;
        _process = new Process { StartInfo = start };
        _process.OutputDataReceived += (_, line) => Append(_output, line.Data);
        _process.ErrorDataReceived += (_, line) => Append(_error, line.Data);
        _process.Start();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    public int Id => _process.Id;

    public string Output => Text(_output);

    public string Error => Text(_error);

    public bool HasExited => _process.HasExited;

    /// <summary>Everything printed, to explain a failure.</summary>
    public string Transcript => $"Printed:\n{Output}{Error}";

    /// <summary>The processes that this one started.</summary>
    public IReadOnlyList<int> Workers() => LocalProcesses.ChildrenOf(Id);

    public void Signal(int signal) => SystemCalls.Signal(Id, signal);

    /// <summary>Sends a signal; false where the program has ended.</summary>
    public bool TrySignal(int signal) => !HasExited && SystemCalls.TrySignal(Id, signal);

    public void WaitForOutput(string text) =>
        Wait.Until(() => Output.Contains(text, StringComparison.Ordinal), this, $"\"{text}\" printed");

    /// <summary>Reads what a program that has ended printed.</summary>
    public void ReadToEnd() => _process.WaitForExit();

    /// <summary>Waits for the end and requires that it leaves no worker behind.</summary>
    public int WaitForExit(params IReadOnlyList<int> workers)
    {
        if (!_process.WaitForExit(Wait.Deadline))
        {
            string transcript = Transcript;
            Dispose();
            Assert.Fail($"The program did not end within {Wait.Deadline.TotalSeconds:F0} s. {transcript}");
        }

        ReadToEnd();
        bool alone = SpinWait.SpinUntil(() => !workers.Any(LocalProcesses.IsAlive), Wait.Deadline);
        Assert.True(alone, $"A worker outlived its coordinator. {Transcript}");
        return _process.ExitCode;
    }

    public void Dispose()
    {
        foreach (int worker in _process.HasExited ? [] : Workers()) TryKill(worker);
        if (!_process.HasExited) TryKill(Id);
        _process.WaitForExit(Wait.Deadline);
        _process.Dispose();
    }

    private static void TryKill(int processId)
    {
        try
        {
            using Process process = Process.GetProcessById(processId);
            process.Kill();
        }
        catch (Exception error) when (error is ArgumentException or InvalidOperationException)
        {
            // It has ended.
        }
    }

    private static void Append(StringBuilder text, string? line)
    {
        if (line is null) return;
        lock (text) text.Append(line).Append('\n');
    }

    private static string Text(StringBuilder text)
    {
        lock (text) return text.ToString();
    }
}
