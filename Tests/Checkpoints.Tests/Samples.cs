using System.Buffers.Binary;
using System.Text;

namespace Distributed.Checkpoints.Tests;

/// <summary>Small checkpoints and hand-made files.</summary>
internal static class Samples
{
    /// <summary>Two weights and one tensor of optimizer state, whose values depend on the step.</summary>
    public static CheckpointContent Content(long step, int fence = 1, bool best = false) => new()
    {
        Step = step,
        Epoch = (int)(step / 10),
        Fence = fence,
        IsBest = best,
        Metadata = new Dictionary<string, string>
        {
            ["ledger"] = $"applied {step}",
            ["specification"] = "{\"a\":[1,2]}",
        },
        Tensors =
        [
            new TensorSource("0.weight", [2, 3], new float[] { step, 1, 2, 3, 4, 5 }),
            new TensorSource("optimizer.momentum.0.weight", [2, 3], new float[] { 0, 1, 2, 3, 4, 6 }),
            new TensorSource("0.bias", [2], new float[] { -1, step }),
        ],
    };

    public static string Name(long step, int fence = 1) => $"step-{step:D8}-fence-{fence:D4}.safetensors";

    /// <summary>A safetensors file with this header and so many zero bytes of data.</summary>
    public static byte[] File(string header, int data = 0)
    {
        byte[] json = Encoding.UTF8.GetBytes(header);
        byte[] file = new byte[sizeof(ulong) + json.Length + data];
        BinaryPrimitives.WriteUInt64LittleEndian(file, (ulong)json.Length);
        json.CopyTo(file, sizeof(ulong));
        return file;
    }

    public static float[] Read(Checkpoint checkpoint, string name)
    {
        float[] values = new float[checkpoint.Find(name)!.Count];
        checkpoint.Read(name, values);
        return values;
    }
}
