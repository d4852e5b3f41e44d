using System.CommandLine;
using Distributed.Data;
using Distributed.Execution;
using Distributed.Protocol;
using Distributed.Roles.Coordinator;

namespace Distributed.Coordinator;

/// <summary>
/// <c>evaluate</c>: loss, accuracy, confusion matrix, precision and recall of a checkpoint on a part of a data set.
/// </summary>
internal static class EvaluateCommand
{
    private static readonly Argument<string> Path = new("CHECKPOINT")
    {
        Description = "A checkpoint, or a run's folder (then its best one).",
    };

    private static readonly Option<string> Data = new("--data")
    {
        Description = "The data set, or a folder or zip file of images (default: what the checkpoint was trained on).",
        HelpName = "NAME|PATH",
    };

    private static readonly Option<string> Directory = new("--data-dir")
    {
        Description = "The folder that data files are in.",
        HelpName = "DIR",
    };

    private static readonly Option<string> Split = new("--split")
    {
        Description = "Which part (default: test).",
        HelpName = "test|validation|train",
    };

    /// <summary>The command.</summary>
    public static Command Create(CommandContext context)
    {
        Command command = new("evaluate", "Loss, accuracy, confusion matrix, and precision and recall of each class.")
        {
            Path, Data, Directory, Split,
        };
        command.SetAction(parsed =>
        {
            using TrainedModel model = TrainedModel.Open(parsed.GetRequiredValue(Path));
            Run(model, parsed.GetValue(Data), parsed.GetValue(Directory), ParseSplit(parsed.GetValue(Split)), context);
            return ExitCode.Done;
        });
        return command;
    }

    private static DataSplit ParseSplit(string? text) => text?.ToLowerInvariant() switch
    {
        null or "test" => DataSplit.Test,
        "validation" => DataSplit.Validation,
        "train" or "training" => DataSplit.Training,
        _ => throw new UsageException($"--split: expected test, validation or train, got '{text}'."),
    };

    private static void Run(
        TrainedModel model, string? name, string? directory, DataSplit split, CommandContext context)
    {
        DataSpecification recorded = model.Specification.Data;
        DataChoice choice = DataChoice.Of(
            name ?? recorded.Name, directory, sentence => new UsageException($"--data: {sentence}."));
        RunSpecification asked = model.Specification with { Data = recorded with { Name = choice.Name } };
        RunData data = RunData.Load(asked, choice.Directory, context.Error.WriteLine);
        string found = data.Complete(asked).Data.Sha256!;
        bool isSame = asked.Data.Name == recorded.Name;
        if (isSame && found != recorded.Sha256)
        {
            context.Error.WriteLine($"note: the {recorded.Name} found here are not the data that the checkpoint was " +
                $"trained on (sha256 {found[..12]}... where it has {recorded.Sha256?[..12]}...).");
        }

        int[] indices = data.Part(split).ToArray();
        if (indices.Length == 0)
            throw new UsageException($"--split: the checkpoint's run set no {RunText.Split(split)} part apart.");
        ImageSet images = split == DataSplit.Test ? data.Dataset.Test : data.Dataset.Train;
        EvaluationScore score = model.Score(split, images, indices);
        int[] labels = [.. indices.Select(images.Label)];
        context.Output.WriteLine($"{model.Path}: {model.Specification.Model.Name} after step " +
            $"{Wording.Count(model.Step)}, on {data.Dataset.Name}");
        context.Output.WriteLine(RunText.Score(score, model.Specification.Model.Classes));
        int classes = model.Specification.Model.Classes;
        int[][] confusion = ConfusionMatrix.Count(labels, score.Predictions, classes);
        IReadOnlyList<string> names = data.Dataset.ClassNames;
        foreach (string line in (string[])[.. ConfusionMatrix.Lines(confusion, names),
            .. ClassReport.Lines(confusion, names)])
        {
            context.Output.WriteLine(line);
        }
    }
}
