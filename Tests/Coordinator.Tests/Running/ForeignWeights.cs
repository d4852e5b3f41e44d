using System.Text;

namespace Distributed.Coordinator.Tests;

/// <summary>Weights that another program saved.</summary>
internal static class ForeignWeights
{
    /// <summary>
    /// Writes a safetensors file by the format's rules, as PyTorch's library does; each tensor's values count up.
    /// </summary>
    public static string Write(string path, IEnumerable<(string Name, int[] Shape)> tensors)
    {
        StringBuilder header = new("{");
        using MemoryStream data = new();
        foreach ((string name, int[] shape) in tensors)
        {
            if (header.Length > 1) header.Append(',');
            header.Append($"\"{name}\":{{\"dtype\":\"F32\",\"shape\":[{string.Join(',', shape)}],");
            int length = shape.Aggregate(1, (product, size) => product * size);
            header.Append($"\"data_offsets\":[{data.Length},{data.Length + 4 * length}]}}");
            for (int i = 0; i < length; i++) data.Write(BitConverter.GetBytes((float)i));
        }

        byte[] json = Encoding.UTF8.GetBytes(header.Append('}').ToString());
        File.WriteAllBytes(path, [.. BitConverter.GetBytes((ulong)json.Length), .. json, .. data.ToArray()]);
        return path;
    }
}
