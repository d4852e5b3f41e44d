using Distributed.Learning;
using Distributed.Numerics;

namespace Distributed.Execution.Tests;

/// <summary>
/// The program that the test assembly is when started alone: trains a few steps of every named network and prints which
/// kernels run, then a SHA-256 of each one's parameters. <see cref="NetworkBitsTests"/> compares the output. Its
/// arguments are the workers, the threads of each, and the modes of convolution: <c>2 1 winograd direct</c>.
/// </summary>
internal static class NetworkBitsProgram
{
    private const int Steps = 2;
    private const int MicroBatch = 2;
    private const int Batch = 9; // five micro-batches, the last of one sample
    private const int MostParameters = 2_000_000;
    private const int MostMultiplyAdds = 45_000_000;

    public static int Main(string[] arguments)
    {
        int workers = int.Parse(arguments[0]), threads = int.Parse(arguments[1]);
        Console.WriteLine(InstructionSet.Name);
        foreach (string name in ModelCatalogue.Names)
        {
            Model model = Small(ModelCatalogue.Find(name));
            RunSpecification specification = Specification(model);
            RunData data = RunData.Load(specification, null);
            foreach (string mode in arguments[2..])
            {
                ConvolutionMode convolution = Enum.Parse<ConvolutionMode>(mode, ignoreCase: true);
                using SimulatedTraining training = new(
                    specification with { Convolution = convolution }, data, workers, threads);
                training.Train(Steps);
                Console.WriteLine($"{name} {mode}: {training.Hash(validationSamples: 3)}");
            }
        }

        return 0;
    }

    private static RunSpecification Specification(Model model) => new()
    {
        Model = model,
        Data = new DataSpecification
        {
            Name = $"noise-{model.Channels}x{model.Height}x{model.Width}-{model.Classes}-24",
            Validation = 0.2,
            TrainingSamples = Steps * Batch,
        },
        Epochs = 1,
        Batch = Batch,
        MicroBatch = MicroBatch,
        Optimizer = new Sgd(),
        LearningRate = 0.01,
        Schedule = new ConstantSchedule(),
        LabelSmoothing = 0.1,
        Seed = 1,
    };

    /// <summary>
    /// The whole network where it is quick; else with a half, a quarter or an eighth of its channels, and on smaller
    /// images.
    /// </summary>
    private static Model Small(Model model)
    {
        Model small = model;
        for (int divisor = 2; ParameterLayout.Of(small).Count > MostParameters; divisor *= 2)
        {
            // 67: as small as AlexNet's poolings allow.
            int size = model.Name == "alexnet" ? 67 : Math.Min(model.Height, 64);
            small = model with { Height = size, Width = size, Layers = Narrow(model.Layers, divisor) };
            small = small.WithClasses(10);
        }

        while (small.Summary().Sum(layer => layer.MultiplyAdds) > MostMultiplyAdds)
            small = small with { Height = small.Height / 2, Width = small.Width / 2 };
        return small;
    }

    private static Sequential Narrow(Sequential layers, int divisor) =>
        new([.. layers.Layers.Select(layer => Narrow(layer, divisor))]);

    private static Layer Narrow(Layer layer, int divisor) => layer switch
    {
        Sequential sequence => Narrow(sequence, divisor),
        Residual(var body, var shortcut) =>
            new Residual(Narrow(body, divisor), shortcut is null ? null : Narrow(shortcut, divisor)),
        Concat concat => new Concat([.. concat.Branches.Select(branch => Narrow(branch, divisor))]),
        Conv2d convolution => convolution with { OutChannels = convolution.OutChannels / divisor },
        Linear linear => linear with { Outputs = linear.Outputs / divisor },
        _ => layer,
    };
}
