using System.Text;

namespace Distributed.Fuzz;

/// <summary>Words of the product's JSON files.</summary>
internal static class JsonWords
{
    public static IReadOnlyList<byte[]> Model { get; } = Bytes(
        "\"type\":", "\"layers\":[", "\"input\":[1,8,8]", "\"classes\":", "{\"type\":\"flatten\"},",
        "{\"type\":\"relu\"},", "{\"type\":\"linear\",\"outputs\":4}", "\"padding\":", "\"stride\":",
        "{\"type\":\"conv2d\",\"outChannels\":3,\"kernel\":3},", "\"groups\":", "\"bias\":false,",
        "{\"type\":\"maxPool2d\",\"kernel\":2},", "\"body\":[",
        "{\"type\":\"residual\",\"body\":[", "\"shortcut\":[]", "{\"type\":\"concat\",\"branches\":[[", "\"momentum\":",
        "{\"type\":\"dropout\",\"rate\":0.5},", "{\"type\":\"batchNorm2d\"},", "{\"type\":\"globalAvgPool\"},", "]]},",
        "{\"type\":\"localResponseNorm\",\"size\":5},", "{\"type\":\"depthwiseConv2d\",\"kernel\":3},", "1048576",
        "{\"type\":\"sequential\",\"layers\":[", "{\"type\":\"avgPool2d\",\"kernel\":2},", "\"initialization\":",
        "null", "\"\\ud800\"", "\\u000a", "\\n", "[", "{", "}", "]", ",", "\u007f", "\u2028", "\ufeff");

    public static IReadOnlyList<byte[]> Specification { get; } =
    [
        .. Model,
        .. Bytes(
            "\"specification\":{", "\"settings\":{", "\"moreEpochs\":", "\"run\":\"", "\"numericsClass\":",
            "\"data\":{", "\"epochs\":", "\"batch\":", "\"microBatch\":", "\"optimizer\":{", "\"name\":\"adam\"",
            "\"name\":\"lars\"", "\"schedule\":{", "\"name\":\"step\"", "\"name\":\"plateau\"", "\"epochs\":[1,2]",
            "\"warmup\":",
            "\"clipNorm\":", "\"ema\":", "\"classWeights\":\"balanced\"", "\"frozen\":\"*\"", "\"augmentation\":[",
            "{\"name\":\"crop\",\"padding\":4}", "\"mixup\"", "\"mean\":[", "\"deviation\":[0]", "\"sha256\":",
            "\"trainingSamples\":", "\"seed\":", "\"convolution\":\"strict\"", "\"initialWeightsSha256\":",
            "\"skipCorrupt\":", "\"status\":\"completed\"", "\"confusion\":[[", "\"classes\":[{", "\"promises\":{",
            "NaN", "1e999"),
    ];

    private static IReadOnlyList<byte[]> Bytes(params string[] words) => [.. words.Select(Encoding.UTF8.GetBytes)];
}
