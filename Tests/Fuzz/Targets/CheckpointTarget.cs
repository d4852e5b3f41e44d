using System.Buffers.Binary;
using System.Text;
using Distributed.Checkpoints;
using Distributed.Checkpoints.Tests;

namespace Distributed.Fuzz;

/// <summary>A checkpoint, or a safetensors file of someone else's: opened as either, every tensor read.</summary>
internal sealed class CheckpointTarget : FileTarget
{
    public override string Name => "checkpoint";

    public override IReadOnlyList<byte[]> Words { get; } = CheckpointFile.Words;

    /// <summary>Buffers, and what a header of that length takes as text and objects.</summary>
    public override long MostAllocated(int length) => (2 << 20) + (200L * length);

    public override Outcome Read(byte[] input)
    {
        string path = Within("file.safetensors");
        File.WriteAllBytes(path, input);
        return Outcome.Of(error => (error as CheckpointException)?.Message,
            () => Checkpoint.Open(path).Dispose(),
            () =>
            {
                using SafeTensorsFile file = Checkpoint.OpenWeights(path);
                foreach (TensorEntry tensor in file.Tensors.Where(tensor => tensor.DataType == TensorEntry.Float32))
                    file.Read(tensor.Name, new float[tensor.Count]);
            });
    }

    public override byte[] Repair(byte[] input) => CheckpointFile.Repair(input);

    protected override IEnumerable<byte[]> MakeSeeds() =>
    [
        Saved(), Samples.File("{}"), Samples.File("{\"__metadata__\":{\"format\":\"pt\"}}  "),
        Samples.File("{\"w\":{\"dtype\":\"F32\",\"shape\":[1,2],\"data_offsets\":[8,16]}," +
            "\"n\":{\"data_offsets\":[0,8],\"shape\":[],\"dtype\":\"I64\"},\"e\":{\"dtype\":\"F32\",\"shape\":[0]," +
            "\"data_offsets\":[16,16]}} ", 16),
    ];

    private byte[] Saved()
    {
        string path = new CheckpointStore(Within("checkpoints")).Save(Samples.Content(3)).Path;
        return File.ReadAllBytes(path);
    }
}

/// <summary>The form of a checkpoint's file.</summary>
internal static class CheckpointFile
{
    public static IReadOnlyList<byte[]> Words { get; } =
    [
        .. new[]
        {
            "\"__metadata__\":{", "\"headerSha256\":\"", "\"dtype\":\"F32\"", "\"F64\"", "\"BOOL\"", "\"shape\":[",
            "[]", "\"data_offsets\":[0,8]", "\\ud800", "\\u0000", "\\n", "null", "true", "{}", "}}",
            "\"step\":\"", "-1", "1e3", "[[[[[[[[[[", "\"optimizer.", "\"sha256:0.bias\":\"",
            "distributed-checkpoint-1",
        }.Select(Encoding.ASCII.GetBytes),
        [0xff], [0xed, 0xa0, 0x80],
    ];

    /// <summary>Writes the header's length, where its end can be seen, and its hash.</summary>
    public static byte[] Repair(byte[] input)
    {
        int end = input.AsSpan().LastIndexOf("}}"u8) + 2;
        if (end < sizeof(ulong) + 2) return input;
        while (end < input.Length && input[end] == ' ') end++;
        BinaryPrimitives.WriteInt64LittleEndian(input, end - sizeof(ulong));
        Span<byte> json = input.AsSpan(sizeof(ulong)..end);
        if (CheckpointMetadata.HashHeader(json) is var (hash, position))
            Encoding.ASCII.GetBytes(hash, json[position..]);
        return input;
    }
}
