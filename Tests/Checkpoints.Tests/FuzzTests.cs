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
        FuzzProperties.Hold(target, 1_000);
    }

    [Fact]
    public void WhatIsSavedIsReadAsItWas()
    {
        using TestFolder folder = new();
        CheckpointStore store = new(folder.Path);
        int step = 0;
        FuzzProperties.Soon(
            Prop.ForAll(ArbMap.Default.ArbFor<float[][]>(), ArbMap.Default.ArbFor<UnicodeString>(), (tensors, any) =>
            {
                string text = string.Concat((any.Item ?? "").Where(letter => !char.IsSurrogate(letter)));
                string path = store.Save(Samples.Content(++step) with
                {
                    Tensors =
                    [
                        .. tensors.Select((values, index) => new TensorSource($"{index}", [values.Length], values)),
                    ],
                    Metadata = new Dictionary<string, string> { ["note"] = text },
                }).Path;
                using Checkpoint read = Checkpoint.Open(path);
                return read.Step == step && read.Metadata["note"] == text
                    && tensors.Select((values, index) => (values, index)).All(each =>
                        Samples.Read(read, $"{each.index}").AsSpan().SequenceEqual(each.values));
            }), 50);
    }

    /// <summary>A name out of the file is quoted on the sentence's one line, however long it is, and can't command the
    /// terminal.</summary>
    [Fact]
    public void ANameOutOfAFileDoesNotBreakTheSentence()
    {
        using TestFolder folder = new();
        string name = $"a\\n\\u001b[31m{new string('b', 5000)}";
        string path = folder.Write("file", Samples.File(
            $"{{\"{name}\":{{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[8,4]}}}}"));
        string message = Assert.Throws<CheckpointException>(() => SafeTensorsFile.Open(path)).Message;
        Assert.StartsWith(path, message, StringComparison.Ordinal);
        Assert.EndsWith("use another checkpoint.", message, StringComparison.Ordinal);
        Assert.Contains("'a ?[31mbbb", message, StringComparison.Ordinal);
        Assert.DoesNotContain(message, char.IsControl);
        Assert.InRange(message.Length, 1, Judge.LongestSentence);
    }
}
