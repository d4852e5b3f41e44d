using System.Diagnostics;
using Xunit;

namespace Distributed.Checkpoints.Tests;

/// <summary>Scripts/read-checkpoint.py, an independent reader, opens what the store writes.</summary>
public sealed class PythonTests : IDisposable
{
    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [PythonFact]
    public void PythonReadsACheckpointAndComputesTheSameHash()
    {
        SavedCheckpoint saved = new CheckpointStore(_folder.Path).Save(Samples.Content(25));
        ProcessStartInfo start = new(PythonFactAttribute.Python, [PythonFactAttribute.Script!, _folder.File("latest")])
        {
            RedirectStandardOutput = true,
        };
        using Process python = Process.Start(start)!;
        string output = python.StandardOutput.ReadToEnd();
        python.WaitForExit();
        Assert.Equal(
            "0.bias [2]\n0.weight [2, 3]\noptimizer.momentum.0.weight [2, 3]\nstep 25 epoch 2 fence 1\n" +
                $"weightsSha256 {saved.WeightsSha256} agrees with the metadata\n",
            output);
    }
}

/// <summary>Runs where Python and the source tree are.</summary>
public sealed class PythonFactAttribute : FactAttribute
{
    public const string Python = "/usr/bin/python3";

    public PythonFactAttribute()
    {
        if (!File.Exists(Python) || Script is null)
        {
            Skip = $"needs {Python} and Scripts/read-checkpoint.py above {AppContext.BaseDirectory}";
        }
    }

    public static string? Script { get; } = Find();

    private static string? Find()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            string script = Path.Combine(folder.FullName, "Scripts", "read-checkpoint.py");
            if (File.Exists(script))
            {
                return script;
            }
        }

        return null;
    }
}
