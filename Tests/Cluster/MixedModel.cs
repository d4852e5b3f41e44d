namespace Distributed.Cluster;

/// <summary>A small network with what is apt to break the sameness of bits, as a user's own file.</summary>
internal static class MixedModel
{
    /// <summary>Its file in every run's directory.</summary>
    public const string File = "mixed.json";

    /// <summary>Batch norm, a residual block, a concatenation and dropout.</summary>
    public const string Json = """
        {"name": "mixed", "input": [1, 28, 28], "classes": 10, "layers": [
          {"type": "conv2d", "outChannels": 8, "kernel": 3, "stride": 2, "bias": false},
          {"type": "batchNorm2d"}, {"type": "relu"},
          {"type": "residual", "body": [
            {"type": "conv2d", "outChannels": 8, "kernel": 3, "padding": 1, "bias": false},
            {"type": "batchNorm2d"}, {"type": "relu"},
            {"type": "conv2d", "outChannels": 8, "kernel": 3, "padding": 1, "bias": false},
            {"type": "batchNorm2d"}]},
          {"type": "relu"},
          {"type": "concat", "branches": [
            [],
            [{"type": "batchNorm2d"}, {"type": "relu"},
             {"type": "conv2d", "outChannels": 12, "kernel": 3, "padding": 1}],
            [{"type": "conv2d", "outChannels": 4, "kernel": 1}]]},
          {"type": "maxPool2d", "kernel": 2}, {"type": "flatten"}, {"type": "dropout", "probability": 0.3},
          {"type": "linear", "outputs": 10}]}
        """;
}
