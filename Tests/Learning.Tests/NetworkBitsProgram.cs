using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Distributed.Numerics;

namespace Distributed.Learning.Tests;

/// <summary>
/// The program that the test assembly is when started alone: trains a few steps of every family of networks and prints
/// which kernels run, then a SHA-256 of each one's parameters. <see cref="NetworkBitsTests"/> compares the output.
/// </summary>
internal static class NetworkBitsProgram
{
    private const int Samples = 2;

    /// <summary>
    /// The networks on images as small as their poolings allow; heads of 4,096 features are left out.
    /// </summary>
    private static readonly (string Name, int Size)[] Networks =
    [
        ("convnet", 28), ("lenet5", 28), ("mlp", 28), ("densenet40", 8), ("densenet121", 32), ("googlenet", 32),
        ("mobilenet", 32), ("resnet20", 16), ("resnet18", 32), ("resnet50", 32), ("vgg11-cifar", 32),
        ("vgg13-cifar", 32),
    ];

    public static int Main()
    {
        Console.WriteLine(InstructionSet.Name);
        foreach (var (name, size) in Networks)
            Console.WriteLine($"{Train(ModelCatalogue.Find(name) with { Height = size, Width = size })} {name}");
        var alexNet = ModelCatalogue.Find("alexnet");
        var features = alexNet.Layers.Layers.TakeWhile(layer => layer is not Linear);
        Layer[] layers = [.. features, new Dropout(), new Linear(10)];
        Console.WriteLine(
            $"{Train(Model.Sequential("alexnet", [3, 67, 67], 10, layers))} alexnet with a small head");
        return 0;
    }

    private static string Train(Model model)
    {
        using var run = new PlanRun(model, Samples);
        var length = run.Plan.Parameters.TrainableLength;
        for (var step = 0; step < 3; step++)
        {
            run.Load(first: Samples * step, Samples);
            run.Train(Samples, 0.1f, new SampleKeys(1, step, [0, 1]));
            SgdUpdate.Run(
                run.Parameters.Span[..length], run.Gradient.Span[..length], [], 1f / Samples, 0.01f, 0, 5e-4f, false);
            run.Prepare();
        }
        return Convert.ToHexStringLower(SHA256.HashData(MemoryMarshal.AsBytes(run.Parameters.Span)));
    }
}
