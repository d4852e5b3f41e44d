using System.CommandLine;
using System.Globalization;
using Distributed.Data;
using Distributed.Learning;

namespace Distributed.Coordinator;

/// <summary><c>preview</c>: a sheet of training samples before and after augmentation, with their labels.</summary>
internal static class PreviewCommand
{
    private const int Epochs = 6;
    private const int MostCount = 64;

    /// <summary>What pictures of any size are brought to where no model says it.</summary>
    private static readonly (int Channels, int Height, int Width) StandardShape = (3, 96, 96);

    /// <summary>The command.</summary>
    public static Command Create(CommandContext context)
    {
        Option<string> data = Text("--data", "NAME|PATH", "The data set, or a folder or zip file of images.", "digits");
        Option<string?> directory = new("--data-dir") { Description = "The folder that data files are in." };
        Option<string?> model = new("--model")
        {
            Description = "The network that pictures are brought to the size of (default: 96 x 96 in colour).",
            HelpName = "NAME|FILE.json",
        };
        Option<string> augment = Text(
            "--augment", "LIST", "What is done to the samples, as in train.", "crop,flip,rotate,brightness");
        Option<string> seed = Text("--seed", "S", "The key of every random draw.", "1");
        Option<int> count = new("--count") { Description = "Samples to show.", DefaultValueFactory = _ => 8 };
        Option<string> output = Text("--out", "FILE", "The PNG file to write.", "preview.png");
        Option<bool> skip = new("--skip-corrupt") { Description = "Leave images out that can't be decoded." };
        Command command = new("preview", "A PNG sheet of samples before and after augmentation.")
        {
            data, directory, model, augment, seed, count, output, skip,
        };
        command.SetAction(parsed =>
        {
            int samples = parsed.GetValue(count);
            if (samples is < 1 or > MostCount)
                throw new UsageException($"--count must be 1 to {MostCount}, got {samples}.");
            DataChoice choice = DataChoice.Of(parsed.GetValue(data)!, parsed.GetValue(directory),
                sentence => new UsageException($"--data: {sentence}."));
            ulong key = ulong.TryParse(parsed.GetValue(seed), CultureInfo.InvariantCulture, out ulong number) ? number
                : throw new UsageException($"--seed: expected a whole number, got '{parsed.GetValue(seed)}'.");
            Dataset dataset = DatasetCatalogue.Load(choice.Name, new DatasetOptions
            {
                DataDirectory = choice.Directory,
                Seed = key,
                Shape = parsed.GetValue(model) is { } name ? Shape(TrainOptionsReader.FindModel(name)) : StandardShape,
                SkipCorrupt = parsed.GetValue(skip),
                Progress = context.Error.WriteLine,
            });
            AugmentationList list = ParseList(parsed.GetValue(augment)!);
            string path = parsed.GetValue(output)!;
            Draw(dataset, list, key, Math.Min(samples, dataset.Train.Count)).Save(path);
            context.Output.WriteLine($"{path}: {Math.Min(samples, dataset.Train.Count)} samples of {dataset.Name} as " +
                $"they are, and in {Epochs} epochs with {list}");
            return ExitCode.Done;
        });
        return command;
    }

    private static Option<string> Text(string name, string value, string help, string standard) => new(name)
    {
        Description = $"{help.TrimEnd('.')} (default: {standard}).",
        HelpName = value,
        DefaultValueFactory = _ => standard,
    };

    private static (int Channels, int Height, int Width) Shape(Model model) =>
        (model.Channels, model.Height, model.Width);

    private static AugmentationList ParseList(string text)
    {
        try
        {
            return AugmentationList.Parse(text);
        }
        catch (DataException error)
        {
            throw new UsageException($"--augment: {error.Message}.");
        }
    }

    /// <summary>Draws the first samples of the first epoch as one micro-batch, mixup's partners among them.</summary>
    private static SampleSheet Draw(Dataset dataset, AugmentationList list, ulong seed, int count)
    {
        ImageSet images = dataset.Train;
        int[] order = new int[images.Count];
        EpochShuffle.Permute(seed, 0, [.. Enumerable.Range(0, images.Count)], order);
        int[] samples = order[..count];
        Normalization normalization = Normalization.Of(images, order);
        SampleLoader loader = new(images, normalization, list, seed);
        SampleSheet sheet = new(
            count, 1 + Epochs, images.Width, images.Height,
            $"{dataset.Name}: as it is, then {Epochs} epochs of {list}");
        float[] inputs = new float[count * images.SampleLength], weights = new float[count];
        int[] labels = new int[count], others = new int[count];
        Array.Fill(weights, 1);
        for (int epoch = 0; epoch < Epochs; epoch++)
        {
            loader.LoadTraining(epoch, samples, inputs, labels, others, weights);
            for (int row = 0; row < count; row++)
            {
                string label = dataset.ClassNames[labels[row]];
                if (epoch == 0)
                    sheet.Add(row, 0, Image(images, images.Pixels(samples[row]).ToArray()), label);
                string mixed = weights[row] == 1 ? label
                    : Mixture(weights[row], label, dataset.ClassNames[others[row]]);
                sheet.Add(row, 1 + epoch, Image(images, Pixels(inputs.AsSpan(
                    row * images.SampleLength, images.SampleLength), normalization)), mixed);
            }
        }

        return sheet;
    }

    /// <summary>Short, so that it fits below a small image.</summary>
    private static string Mixture(float share, string label, string other)
    {
        const int Letters = 5;
        int percent = (int)((share * 100) + 0.5f);
        return $"{percent} {label[..Math.Min(Letters, label.Length)]} {100 - percent} " +
            other[..Math.Min(Letters, other.Length)];
    }

    private static DecodedImage Image(ImageSet images, byte[] pixels) => images.Channels is 1 or 3
        ? new DecodedImage(images.Width, images.Height, images.Channels, pixels)
        : throw new UsageException($"--data: images of {images.Channels} channels can't be drawn.");

    /// <summary>Pixels again from inputs.</summary>
    private static byte[] Pixels(ReadOnlySpan<float> inputs, Normalization normalization)
    {
        byte[] pixels = new byte[inputs.Length];
        int channels = normalization.Mean.Length;
        for (int index = 0; index < pixels.Length; index++)
        {
            float share = (inputs[index] * normalization.Deviation[index % channels]) +
                normalization.Mean[index % channels];
            pixels[index] = (byte)Math.Clamp((share * byte.MaxValue) + 0.5f, 0, byte.MaxValue);
        }

        return pixels;
    }
}
