namespace Distributed.Fuzz;

/// <summary>The targets: a row each.</summary>
internal static class TargetList
{
    private static readonly (string Name, Func<FuzzTarget> Create)[] Rows =
    [
        ("messagepack", () => new MessagePackTarget()),
        ("frames", () => new FramesTarget()),
        ("handshake", () => new HandshakeTarget()),
        ("checkpoint", () => new CheckpointTarget()),
        ("run-checkpoint", () => new RunCheckpointTarget()),
        ("idx", () => new IdxTarget()),
        ("cifar", () => new CifarTarget()),
        ("png", () => new ImageTarget("png")),
        ("jpeg", () => new ImageTarget("jpeg")),
        ("bitmap", () => new ImageTarget("bitmap")),
        ("zip", () => new ZipTarget()),
        ("model-json", () => new ModelJsonTarget()),
        ("run-json", () => new RunJsonTarget()),
    ];

    public static IReadOnlyList<string> Names { get; } = [.. Rows.Select(row => row.Name)];

    public static FuzzTarget Create(string name) => Array.Find(Rows, row => row.Name == name) is { Create: { } create }
        ? create() : throw new ArgumentException($"unknown target '{name}'; known are {string.Join(", ", Names)}");
}
