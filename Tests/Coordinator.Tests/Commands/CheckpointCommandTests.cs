using System.Buffers.Binary;
using System.Text.Json;
using Distributed.Checkpoints;
using Distributed.Data;
using Distributed.Execution;
using Distributed.Learning;
using Distributed.Roles.Coordinator;
using Xunit;

namespace Distributed.Coordinator.Tests;

/// <summary>
/// evaluate, predict and verify, on checkpoints whose network is so simple that every score is known: all weights are
/// zero, so the logits are the biases whatever the image.
/// </summary>
public sealed class CheckpointCommandTests : IDisposable
{
    private const int Favourite = 3;
    private const float Bias = 2;

    private readonly TemporaryFolder _folder = new();

    private string Run => _folder["run"];

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task EvaluateScoresWhatTheBiasesSay()
    {
        Dataset digits = DatasetCatalogue.Load("digits", new DatasetOptions { Seed = 7 });
        Save(change: recorded => recorded with { Data = recorded.Data with { Sha256 = digits.Sha256 } });
        int[] counts = new int[10];
        for (int sample = 0; sample < digits.Test.Count; sample++) counts[digits.Test.Label(sample)]++;
        double partition = Math.Log(9 + Math.Exp(Bias));
        double loss = partition - Bias * counts[Favourite] / digits.Test.Count;

        CommandRun run = await CommandRun.Of("evaluate", Run);

        Assert.Equal("", run.Error);
        Assert.Contains($"test accuracy {Wording.Percent((double)counts[Favourite] / digits.Test.Count)} " +
            $"({counts[Favourite]} of 2,000), loss {Wording.Loss(loss)}, top-5 accuracy", run.Output);
        Assert.Contains("tiny after step 3, on digits", run.Output);
        Assert.Matches($@"(?m)^  5 +\. +\. +\. +{counts[5]}( +\.){{6}}\r?$", run.Output);
        Assert.Equal(ExitCode.Done, run.ExitCode);
    }

    [Theory]
    [InlineData("validation", "1,000")]
    [InlineData("train", "9,000")]
    public async Task EvaluateTakesThePartsOfTheRun(string split, string samples)
    {
        Save();
        CommandRun run = await CommandRun.Of("evaluate", Run, "--data", "Digits", "--split", split);
        Assert.Contains($" of {samples}), loss ", run.Output);
        Assert.StartsWith("note: the digits found here are not the data that the checkpoint was trained on (sha256 ",
            run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task EvaluateWithoutAValidationPartSaysSo()
    {
        Save(change: specification => specification with { Data = specification.Data with { Validation = 0 } });
        CommandRun run = await CommandRun.Of("evaluate", Run, "--split", "validation");
        Assert.Equal(ExitCode.UserError, run.ExitCode);
        Assert.Contains("error: --split: the checkpoint's run set no validation part apart.", run.Error);
    }

    [Theory]
    [InlineData("--data imagenet", "--data: expected one of digits, mnist,")]
    [InlineData("--split best", "--split: expected test, validation or train, got 'best'.")]
    public async Task EvaluateRefusesWhatItDoesNotKnow(string options, string expected)
    {
        Save();
        CommandRun run = await CommandRun.Of(["evaluate", Run, .. options.Split(' ')]);
        Assert.Equal((ExitCode.UserError, ""), (run.ExitCode, run.Output));
        Assert.StartsWith("error: " + expected, run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task EvaluateRefusesDataOfAnotherSize()
    {
        Save(size: 8);
        CommandRun run = await CommandRun.Of("evaluate", Run);
        Assert.Equal(ExitCode.UserError, run.ExitCode);
        Assert.Contains("Model tiny takes 1x8x8 images, and those of digits are 1x28x28", run.Error);
    }

    [Fact]
    public async Task PredictListsTheLikeliestClassesFirst()
    {
        Save();
        using (FileStream file = File.Create(_folder["colour.png"]))
            PngWriter.Write(file, new DecodedImage(40, 30, 3, new byte[40 * 30 * 3]));
        WriteIdx(_folder["two-images"], 2);

        CommandRun run = await CommandRun.Of("predict", Run, _folder["colour.png"], _folder["two-images"]);

        // e^2 / (e^2 + 9) = 45.1%, and the rest shared equally.
        const string Scores = ": three (45.1%), zero (6.1%), one (6.1%), two (6.1%), four (6.1%)";
        Assert.Equal("", run.Error);
        Assert.Equal([$"{_folder["colour.png"]}{Scores}", $"{_folder["two-images"]}[0]{Scores}",
            $"{_folder["two-images"]}[1]{Scores}"], run.Output.TrimEnd().Split(Environment.NewLine));
    }

    [Fact]
    public async Task PredictNamesAFileThatIsNoImage()
    {
        Save();
        File.WriteAllText(_folder["note.png"], "not a picture");
        CommandRun run = await CommandRun.Of("predict", Run, _folder["note.png"]);
        Assert.Equal(ExitCode.UserError, run.ExitCode);
        Assert.StartsWith($"error: {_folder["note.png"]}: this is not a PNG, JPEG, BMP, PPM or PGM", run.Error,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task VerifyAcceptsARunAndACheckpoint()
    {
        SavedCheckpoint saved = SaveRun();

        CommandRun run = await CommandRun.Of("verify", Run);
        CommandRun file = await CommandRun.Of("verify", saved.Path);

        Assert.Equal(("", ExitCode.Done), (run.Error, run.ExitCode));
        Assert.Contains($"OK  {saved.Path}: 4 tensors, weights sha256 {saved.WeightsSha256}", run.Output);
        Assert.Contains("3 steps, 90 samples applied exactly once (1 whole epoch of 90)", run.Output);
        Assert.Contains("run.json: the specification of the checkpoints", run.Output);
        Assert.Contains("result.json: agrees with the checkpoints", run.Output);
        Assert.Equal(("", ExitCode.Done), (file.Error, file.ExitCode));
    }

    [Fact]
    public async Task VerifyFindsAFlippedBit()
    {
        SavedCheckpoint saved = SaveRun();
        byte[] bytes = File.ReadAllBytes(saved.Path);
        bytes[^5] ^= 1;
        File.WriteAllBytes(saved.Path, bytes);
        await Refused("does not match its hash, so the file is broken");
    }

    [Fact]
    public async Task VerifyFindsAnEmptyFile()
    {
        SavedCheckpoint saved = SaveRun();
        File.WriteAllBytes(saved.Path, []);
        await Refused($"{saved.Path}: the file is empty");
    }

    [Fact]
    public async Task VerifyFindsALedgerThatDoesNotBalance()
    {
        Save(progress: Progress with { SamplesApplied = 122 });
        await Refused("the ledger does not balance: 3 steps apply 90 samples, not 122.");
    }

    [Fact]
    public async Task VerifyFindsAnEpochThatLostSamples()
    {
        Save(progress: Progress with { History = [Progress.History[0] with { SamplesApplied = 58 }] });
        await Refused("the ledger does not balance: epoch 1 applied 58 samples, not 90.");
    }

    [Fact]
    public async Task VerifyFindsAResultOfOtherWeights()
    {
        SavedCheckpoint saved = SaveRun();
        string path = Path.Combine(Run, "result.json");
        File.WriteAllText(path, File.ReadAllText(path).Replace(saved.WeightsSha256, new string('0', 64)));
        await Refused($"{path}: weightsSha256 is 0000");
    }

    [Fact]
    public async Task VerifyFindsAnotherRunsSpecification()
    {
        SaveRun();
        string path = Path.Combine(Run, "run.json");
        File.WriteAllText(path, File.ReadAllText(path).Replace("\"seed\": 7", "\"seed\": 8"));
        await Refused($"{path}: it is not the specification of the checkpoints (seed: the run has 8,");
    }

    [Fact]
    public async Task VerifyOfAnEmptyFolderSaysThatThereIsNothing()
    {
        Directory.CreateDirectory(Run);
        await Refused("there is no checkpoint in this folder.");
    }

    private static TrainingProgress Progress => RunSamples.Progress(epoch: 1, stepInEpoch: 0, bestEpoch: 1);

    private async Task Refused(string sentence)
    {
        CommandRun run = await CommandRun.Of("verify", Run);
        Assert.Equal(ExitCode.UserError, run.ExitCode);
        Assert.Contains(sentence, run.Error);
    }

    /// <summary>Metadata with nothing where something must be, in a checkpoint whose hashes are right.</summary>
    [Theory]
    [InlineData("progress", "{\"history\":null}", "verify")]
    [InlineData("progress", "{\"history\":[null]}", "verify")]
    [InlineData("classNames", "[null]", "evaluate")]
    public async Task MetadataWithNothingInItIsOneClearSentence(string key, string value, string command)
    {
        SavedCheckpoint saved = Save(metadata: map => map[key] = value);
        CommandRun run = await CommandRun.Of(command, saved.Path);
        Assert.Equal((ExitCode.UserError, $"{saved.Path}: the metadata entry '{key}' makes no sense; use another " +
            "checkpoint."), (run.ExitCode, run.Error.Trim().Replace("error: ", "", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task ANormalisationOfOtherChannelsIsOneClearSentence()
    {
        SavedCheckpoint saved = Save(change: run => run with { Data = run.Data with { Deviation = [] } });
        CommandRun run = await CommandRun.Of("evaluate", saved.Path, "--data", "digits");
        Assert.Equal(ExitCode.UserError, run.ExitCode);
        Assert.Contains("its class names or its normalisation don't fit its model", run.Error);
    }

    private static RunSpecification Specification(int size) => RunSamples.Specification() with
    {
        Model = new Model("tiny", 1, size, size, 10, new Sequential([new Flatten(), new Linear(10)])),
    };

    private SavedCheckpoint Save(
        int size = 28, TrainingProgress? progress = null, Func<RunSpecification, RunSpecification>? change = null,
        Action<Dictionary<string, string>>? metadata = null)
    {
        RunSpecification specification = (change ?? (same => same))(Specification(size));
        ParameterEntry[] entries = [.. ParameterLayout.Of(specification.Model).Entries];
        float[] biases = new float[10];
        biases[Favourite] = Bias;
        IEnumerable<TensorSource> weights = entries.Select(entry => new TensorSource(
            entry.Name, entry.Shape, entry.Name == "1.bias" ? biases : new float[entry.Length]));
        IEnumerable<TensorSource> states = entries.Select(entry => new TensorSource(
            $"optimizer.momentum.{entry.Name}", entry.Shape, new float[entry.Length]));
        Dictionary<string, string> map = new(CheckpointMapping.Metadata(specification, progress ?? Progress,
            ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"], trainSeconds: 1));
        metadata?.Invoke(map);
        return new CheckpointStore(Path.Combine(Run, "checkpoints")).Save(new CheckpointContent
        {
            Step = 3,
            Epoch = 2,
            Fence = 1,
            Tensors = [.. weights, .. states],
            Metadata = map,
            IsBest = true,
        });
    }

    /// <summary>A checkpoint, and the files beside it as a finished run writes them.</summary>
    private SavedCheckpoint SaveRun()
    {
        SavedCheckpoint saved = Save();
        RunSpecification specification = Specification(28);
        RunResult result = RunResult.Of(RunEnding.Completed, "", specification, Progress, test: null) with
        {
            WeightsSha256 = saved.WeightsSha256,
            BestWeightsSha256 = saved.WeightsSha256,
        };
        using JsonDocument document = JsonDocument.Parse($$"""{ "specification": {{specification.ToJson()}} }""");
        File.WriteAllText(Path.Combine(Run, "run.json"),
            JsonSerializer.Serialize(document, new JsonSerializerOptions { WriteIndented = true }));
        File.WriteAllText(Path.Combine(Run, "result.json"),
            JsonSerializer.Serialize(result, ResultJson.Default.RunResult));
        return saved;
    }

    /// <summary>IDX: two zero bytes, type 8 (bytes), 3 dimensions, their sizes, then the pixels.</summary>
    private static void WriteIdx(string path, int images)
    {
        byte[] bytes = new byte[16 + images * 28 * 28];
        (bytes[2], bytes[3]) = (8, 3);
        BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(4), images);
        BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(8), 28);
        BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(12), 28);
        File.WriteAllBytes(path, bytes);
    }
}
