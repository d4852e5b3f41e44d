using System.CommandLine;
using Distributed.Data;

namespace Distributed.Coordinator;

/// <summary><c>predict</c>: the likeliest classes of images, best first.</summary>
internal static class PredictCommand
{
    private const int Shown = 5;

    private static readonly Argument<string> Path = new("CHECKPOINT")
    {
        Description = "A checkpoint, or a run's folder (then its best one).",
    };

    private static readonly Argument<string[]> Files = new("IMAGE")
    {
        Description = "PNG, JPEG, BMP, PPM or PGM images, or IDX files of images; brought to the model's size and " +
            "channels.",
        Arity = ArgumentArity.OneOrMore,
    };

    /// <summary>The command.</summary>
    public static Command Create(CommandContext context)
    {
        Command command = new("predict", "Class scores of images, best first.") { Path, Files };
        command.SetAction(parsed =>
        {
            using TrainedModel model = TrainedModel.Open(parsed.GetRequiredValue(Path));
            foreach (string file in parsed.GetRequiredValue(Files)) Predict(model, file, context.Output);
            return ExitCode.Done;
        });
        return command;
    }

    private static void Predict(TrainedModel model, string file, TextWriter output)
    {
        IReadOnlyList<DecodedImage> decoded = ImageFiles.ReadAll(file);
        float[] probabilities = model.Probabilities(Prepare(model, file, decoded));
        int classes = model.Specification.Model.Classes;
        for (int image = 0; image < decoded.Count; image++)
        {
            float[] scores = probabilities[(image * classes)..((image + 1) * classes)];
            IEnumerable<string> best = Enumerable.Range(0, classes)
                .OrderByDescending(label => scores[label]).ThenBy(label => label).Take(Shown)
                .Select(label => $"{model.ClassNames[label]} ({Wording.ShortPercent(scores[label])})");
            string which = decoded.Count == 1 ? "" : $"[{image}]";
            output.WriteLine($"{file}{which}: {string.Join(", ", best)}");
        }
    }

    private static ImageSet Prepare(TrainedModel model, string file, IReadOnlyList<DecodedImage> decoded)
    {
        (int channels, int height, int width) =
            (model.Specification.Model.Channels, model.Specification.Model.Height, model.Specification.Model.Width);
        if (channels is not (1 or 3))
        {
            throw new DataException($"{file}: the model takes images of {channels} channels, and files have 1 or 3; " +
                "predict can't be used with it.");
        }

        byte[] pixels = new byte[checked(decoded.Count * channels * height * width)];
        for (int image = 0; image < decoded.Count; image++)
        {
            decoded[image].ToChannels(channels).Resize(width, height).Pixels
                .CopyTo(pixels, image * channels * height * width);
        }

        return new ImageSet(channels, height, width, pixels, new int[decoded.Count]);
    }
}
