using System.Text.RegularExpressions;

namespace Distributed.Learning;

/// <summary>
/// The names that torchvision's networks give their layers with weights, in the order in which the networks of the same
/// name here have theirs: a residual block's shortcut behind its body.
/// </summary>
public static partial class TorchvisionNames
{
    /// <summary>Every network, without its auxiliary heads.</summary>
    public static IReadOnlyList<(string Network, string[] Layers)> Networks { get; } =
    [
        ("alexnet", [.. Features(0, 3, 6, 8, 10), .. Classifier(1, 4, 6)]),
        ("densenet121", [.. DenseNet(6, 12, 24, 16)]),
        ("googlenet", [.. GoogLeNet()]),
        ("resnet18", [.. ResNet(2, 2, 2, 2, 2)]),
        ("resnet34", [.. ResNet(2, 3, 4, 6, 3)]),
        ("resnet50", [.. ResNet(3, 3, 4, 6, 3)]),
        ("vgg11", [.. Vgg(false, 1, 1, 2, 2, 2)]),
        ("vgg11_bn", [.. Vgg(true, 1, 1, 2, 2, 2)]),
        ("vgg13", [.. Vgg(false, 2, 2, 2, 2, 2)]),
        ("vgg13_bn", [.. Vgg(true, 2, 2, 2, 2, 2)]),
        ("vgg16", [.. Vgg(false, 2, 2, 3, 3, 3)]),
        ("vgg16_bn", [.. Vgg(true, 2, 2, 3, 3, 3)]),
        ("vgg19", [.. Vgg(false, 2, 2, 4, 4, 4)]),
        ("vgg19_bn", [.. Vgg(true, 2, 2, 4, 4, 4)]),
    ];

    /// <summary>
    /// A tensor's name as torchvision has it today: its oldest files have "norm.1" for "norm1". Null: it belongs to an
    /// auxiliary head, which the networks here don't have.
    /// </summary>
    public static string? Current(string tensor) =>
        tensor.StartsWith("aux", StringComparison.Ordinal) ? null : OldName().Replace(tensor, "$1$2");

    /// <summary>The network whose layers have exactly those names.</summary>
    public static (string Network, string[] Layers)? Find(IReadOnlySet<string> layers)
    {
        foreach ((string Network, string[] Layers) network in Networks)
        {
            if (layers.SetEquals(network.Layers)) return network;
        }

        return null;
    }

    private static IEnumerable<string> Features(params int[] places) => places.Select(place => $"features.{place}");

    private static IEnumerable<string> Classifier(params int[] places) => places.Select(place => $"classifier.{place}");

    private static IEnumerable<string> Vgg(bool batchNorm, params int[] convolutions)
    {
        int place = 0;
        foreach (int count in convolutions)
        {
            for (int i = 0; i < count; i++)
            {
                yield return $"features.{place++}";
                if (batchNorm) yield return $"features.{place++}";
                place++; // ReLU
            }

            place++; // pooling
        }

        foreach (string layer in Classifier(0, 3, 6)) yield return layer;
    }

    private static IEnumerable<string> ResNet(int convolutions, params int[] blocks)
    {
        IEnumerable<string> layers = ["conv1", "bn1"];
        for (int stage = 1; stage <= blocks.Length; stage++)
        {
            for (int block = 0; block < blocks[stage - 1]; block++)
            {
                string name = $"layer{stage}.{block}";
                layers = layers.Concat(Enumerable.Range(1, convolutions).SelectMany(
                    i => (string[])[$"{name}.conv{i}", $"{name}.bn{i}"]));

                // The first stage of a network of two convolutions a block changes no shape.
                if (block == 0 && (stage > 1 || convolutions > 2))
                    layers = layers.Concat([$"{name}.downsample.0", $"{name}.downsample.1"]);
            }
        }

        return layers.Append("fc");
    }

    private static IEnumerable<string> DenseNet(params int[] blocks)
    {
        IEnumerable<string> layers = ["conv0", "norm0"];
        for (int block = 1; block <= blocks.Length; block++)
        {
            string name = $"denseblock{block}";
            layers = layers.Concat(Enumerable.Range(1, blocks[block - 1]).SelectMany(
                layer => (string[])["norm1", "conv1", "norm2", "conv2"],
                (layer, part) => $"{name}.denselayer{layer}.{part}"));
            if (block < blocks.Length) layers = layers.Concat([$"transition{block}.norm", $"transition{block}.conv"]);
        }

        return [.. layers.Append("norm5").Select(layer => $"features.{layer}"), "classifier"];
    }

    private static IEnumerable<string> GoogLeNet()
    {
        string[] inceptions = ["3a", "3b", "4a", "4b", "4c", "4d", "4e", "5a", "5b"];
        string[] branches = ["branch1", "branch2.0", "branch2.1", "branch3.0", "branch3.1", "branch4.1"];
        IEnumerable<string> blocks = inceptions.SelectMany(
            _ => branches, (inception, branch) => $"inception{inception}.{branch}");
        return ((string[])["conv1", "conv2", "conv3"]).Concat(blocks)
            .SelectMany(block => (string[])[$"{block}.conv", $"{block}.bn"]).Append("fc");
    }

    [GeneratedRegex(@"(denselayer\d+\.(?:norm|conv))\.([12])")]
    private static partial Regex OldName();
}
