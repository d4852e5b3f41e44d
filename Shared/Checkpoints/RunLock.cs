using System.Globalization;

namespace Distributed.Checkpoints;

/// <summary>
/// Says that one process writes a run's folder. It is a lock of the operating system on the file <c>run.lock</c>, so it
/// ends with the process however that ends; <c>run.pid</c> beside it names the process for the next one's message.
/// Coordinators that stand by for each other hold it together: among them fences decide who writes.
/// </summary>
public sealed class RunLock : IDisposable
{
    private const string LockName = "run.lock";
    private const string ProcessName = "run.pid";

    private readonly FileStream _file;

    private RunLock(FileStream file) => _file = file;

    /// <summary>Takes the lock; the folder is created where there is none.</summary>
    /// <param name="runFolder">The run's folder.</param>
    /// <param name="shared">Whether others who share it may hold it too.</param>
    /// <exception cref="CheckpointException">Another live process holds it, or the folder can't be written.</exception>
    public static RunLock Acquire(string runFolder, bool shared = false)
    {
        string path = Path.Combine(runFolder, LockName);
        FileStream? file = null;
        try
        {
            DurableFolder.Create(runFolder);
            file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite,
                shared ? FileShare.ReadWrite : FileShare.None);
            File.WriteAllText(Path.Combine(runFolder, ProcessName),
                Environment.ProcessId.ToString(CultureInfo.InvariantCulture) + "\n");
            return new RunLock(file);
        }
        catch (UnauthorizedAccessException error)
        {
            file?.Dispose();
            throw new CheckpointException($"{runFolder}: no permission to write in this run's folder; choose another " +
                "with --runs or --name.", error);
        }
        catch (IOException error)
        {
            bool held = file is null && File.Exists(path);
            file?.Dispose();
            throw new CheckpointException(held
                ? $"{runFolder}: another process{Holder(runFolder)} is writing this run; wait for it, stop it, or " +
                    "choose another --name."
                : $"{runFolder}: this run's folder can't be written ({error.Message.TrimEnd('.')}).", error);
        }
    }

    /// <summary>Gives the lock back.</summary>
    public void Dispose() => _file.Dispose();

    private static string Holder(string runFolder)
    {
        try
        {
            string text = File.ReadAllText(Path.Combine(runFolder, ProcessName));
            return $" (pid {int.Parse(text, NumberStyles.AllowTrailingWhite, CultureInfo.InvariantCulture)})";
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or FormatException)
        {
            return "";
        }
    }
}
