using Distributed.Fuzz;
using FsCheck;
using FsCheck.Fluent;
using Xunit;

namespace Distributed.Checkpoints.Tests;

/// <summary>Whatever a checkpoint's file holds: it is read, or refused in one clear sentence that names it; and what is
/// saved is read as it was.</summary>
public class FuzzTests
{
    [Fact]
    public void AnyFileIsReadOrRefusedInOneSentence()
    {
        using CheckpointTarget target = new();
        FuzzProperties.Hold(target, 2_000);
    }

    [Fact]
    public void WhatIsSavedIsReadAsItWas()
    {
        using TestFolder folder = new();
        CheckpointStore store = new(folder.Path);
        int step = 0;
        FuzzProperties.Soon(
            Prop.ForAll(ArbMap.Default.ArbFor<float[][]>(), ArbMap.Default.ArbFor<UnicodeString>(), (tensors, text) =>
            {
                string path = store.Save(Samples.Content(++step) with
                {
                    Tensors = [.. tensors.Select((values, index) => new TensorSource($"{index}", [values.Length], values))],
                    Metadata = new Dictionary<string, string> { ["note"] = text.Item ?? "" },
                }).Path;
                using Checkpoint read = Checkpoint.Open(path);
                return read.Step == step && read.Metadata["note"] == (text.Item ?? "")
                    && tensors.Select((values, index) => (values, index)).All(each =>
                        Samples.Read(read, $"{each.index}").AsSpan().SequenceEqual(each.values));
            }), 50);
    }
}
