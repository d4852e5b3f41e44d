using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using Xunit;

namespace Distributed.Checkpoints.Tests;

/// <summary>The format: bytes written, and every malformed file refused with one sentence.</summary>
public sealed class SafeTensorsTests : IDisposable
{
    private const string Float = "\"dtype\":\"F32\"";
    private const string Eight = "\"data_offsets\":[0,8]";
    private const string Tensor = "\"a\":{" + Float + ",\"shape\":[2]," + Eight + "}";

    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    /// <summary>The whole file, byte for byte, from the format's description alone.</summary>
    [Fact]
    public void GoldenBytes()
    {
        using MemoryStream stream = new();
        CheckpointContent content = Samples.Content(25, best: true);
        (long length, string weights) = new CheckpointWriter().Write(stream, content, "best name");

        float[] bias = [-1, 25], weight = [25, 1, 2, 3, 4, 5], momentum = [0, 1, 2, 3, 4, 6];
        string expectedWeights = Hash([.. "0.bias"u8, .. Bytes(bias), .. "0.weight"u8, .. Bytes(weight)]);
        string Json(string headerHash) =>
            $$$"""{"__metadata__":{"format":"distributed-checkpoint-1","headerSha256":"{{{headerHash}}}",""" +
            $$"""
            "step":"25","epoch":"2","fence":"1","best":"best name","weightsSha256":"{{expectedWeights}}",
            """.Trim() +
            $$"""
            "sha256:0.bias":"{{Hash(Bytes(bias))}}","sha256:0.weight":"{{Hash(Bytes(weight))}}",
            """.Trim() +
            $$"""
            "sha256:optimizer.momentum.0.weight":"{{Hash(Bytes(momentum))}}",
            """.Trim() +
            """
            "ledger":"applied 25","specification":"{\"a\":[1,2]}"},
            """.Trim() +
            """
            "0.bias":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},
            """.Trim() +
            """
            "0.weight":{"dtype":"F32","shape":[2,3],"data_offsets":[8,32]},
            """.Trim() +
            """
            "optimizer.momentum.0.weight":{"dtype":"F32","shape":[2,3],"data_offsets":[32,56]}}
            """.Trim();
        string Padded(string json) => json.PadRight((json.Length + 7) / 8 * 8);
        string header = Padded(Json(Hash(Encoding.ASCII.GetBytes(Padded(Json(new string('0', 64)))))));
        byte[] start = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(start, header.Length);
        byte[] json = Encoding.ASCII.GetBytes(header);
        byte[] expected = [.. start, .. json, .. Bytes(bias), .. Bytes(weight), .. Bytes(momentum)];

        Assert.Equal(header, Encoding.ASCII.GetString(stream.ToArray(), 8, header.Length));
        Assert.Equal(expected, stream.ToArray());
        Assert.Equal((expected.Length, expectedWeights), (length, weights));
        Assert.Equal(length, CheckpointWriter.Measure(content, "best name"));
    }

    [Fact]
    public void WeightsHashFollowsItsDefinition()
    {
        Assert.Equal(Hash([.. "0.bias"u8, .. Bytes([-1, 4]), .. "0.weight"u8, .. Bytes([4, 1, 2, 3, 4, 5])]),
            WeightsHash.Compute(Samples.Content(4).Tensors));
        Assert.Equal(Hash([]), WeightsHash.Compute([]));
    }

    [Fact]
    public void ReadsAForeignFile()
    {
        byte[] file = Samples.File("{\"w\":{\"dtype\":\"F32\",\"shape\":[1,2],\"data_offsets\":[8,16]}," +
            "\"n\":{\"data_offsets\":[0,8],\"shape\":[],\"dtype\":\"I64\"},\"e\":{\"dtype\":\"F32\",\"shape\":[0]," +
            "\"data_offsets\":[16,16]}} ", 16);
        BinaryPrimitives.WriteSingleLittleEndian(file.AsSpan(file.Length - 4), 1.5f);
        using SafeTensorsFile read = Checkpoint.OpenWeights(_folder.Write("file", file));
        float[] values = new float[2];
        read.Read("w", values);
        read.Read("e", []);

        Assert.Equal([0, 1.5f], values);
        Assert.Equal(["e", "n", "w"], read.Tensors.Select(tensor => tensor.Name));
        Assert.Equal((1L, 8L), (read.Find("n")!.Count, read.Find("n")!.ByteLength));
        Assert.Empty(read.Metadata);
        string path = _folder.File("file");
        Assert.Equal($"{path}: tensor 'n' has element type I64; only F32 is read: convert the file to float32 first.",
            Assert.Throws<CheckpointException>(() => read.Read("n", new float[1])).Message);
        Assert.Equal($"{path}: there is no tensor 'x'; it is a checkpoint of another model.",
            Assert.Throws<CheckpointException>(() => read.Read("x", new float[1])).Message);
        Assert.Equal($"{path}: tensor 'w' has 2 elements where the model needs 3; it is a checkpoint of another model.",
            Assert.Throws<CheckpointException>(() => read.Read("w", new float[3])).Message);
    }

    [Theory]
    [InlineData("", 0, "names a header of 0 bytes")]
    [InlineData("[]", 0, "has a header of another form")]
    [InlineData("{}", 4, "has 4 bytes after its last tensor")]
    [InlineData("{]", 0, "is not valid JSON")]
    [InlineData("{} x", 0, "is not valid JSON")]
    [InlineData("{\"a\":1}", 0, "has a header of another form")]
    [InlineData("{\"a\":{" + Float + ",\"shape\":[2]}}", 8, "lacks a valid dtype, shape or data_offsets for tensor")]
    [InlineData("{" + Tensor + "," + Tensor + "}", 8, "names tensor 'a' twice")]
    [InlineData("{\"a\":{" + Float + "," + Float + "}}", 8, "unexpected or repeated field 'dtype' in tensor 'a'")]
    [InlineData("{\"a\":{\"type\":\"F32\"}}", 8, "unexpected or repeated field 'type' in tensor 'a'")]
    [InlineData("{\"a\":{\"dtype\":\"F31\",\"shape\":[2]," + Eight + "}}", 8, "unknown element type 'F31'")]
    [InlineData("{\"a\":{" + Float + ",\"shape\":[3]," + Eight + "}}", 8, "[3] 8 bytes where 12 are needed")]
    [InlineData("{\"a\":{" + Float + ",\"shape\":[-2]," + Eight + "}}", 8, "a wrong number in the shape")]
    [InlineData("{\"a\":{" + Float + ",\"shape\":[2.5]," + Eight + "}}", 8, "a wrong number in the shape")]
    [InlineData("{\"a\":{" + Float + ",\"shape\":[\"2\"]," + Eight + "}}", 8, "a wrong number in the shape")]
    [InlineData("{\"a\":{" + Float + ",\"shape\":[2],\"data_offsets\":[8,0]}}", 8, "lacks a valid dtype, shape")]
    [InlineData("{\"a\":{" + Float + ",\"shape\":[2],\"data_offsets\":[0,8,8]}}", 8, "lacks a valid dtype, shape")]
    [InlineData("{\"a\":{" + Float + ",\"shape\":[2],\"data_offsets\":[4,12]}}", 12, "has a gap or an overlap: tensor")]
    [InlineData("{" + Tensor + ",\"b\":{" + Float + ",\"shape\":[2],\"data_offsets\":[4,12]}}", 12, "starts at byte 4")]
    [InlineData("{" + Tensor + "}", 7, "is cut off: its tensors need 8 bytes but 7 are there")]
    [InlineData("{" + Tensor + "}", 9, "has 1 bytes after its last tensor")]
    [InlineData("{\"a\":{" + Float + ",\"shape\":[2147483648,2147483648,4]," + Eight + "}}", 8, "an impossible shape")]
    [InlineData("{\"a\":{" + Float + ",\"shape\":[2147483647,2147483647,4]," + Eight + "}}", 8, "an impossible shape")]
    [InlineData("{\"a\":{" + Float + ",\"shape\":[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,2]," + Eight + "}}", 8, "wrong")]
    [InlineData("{\"__metadata__\":{\"a\":1}}", 0, "has a header of another form")]
    [InlineData("{\"__metadata__\":{\"a\":\"1\",\"a\":\"2\"}}", 0, "has the metadata entry 'a' twice")]
    [InlineData("{\"__metadata__\":{},\"__metadata__\":{}}", 0, "has two __metadata__ entries")]
    [InlineData("{\"__metadata__\":{\"a\":\"\\ud800\"}}", 0, "is not valid JSON")]
    public void RefusesAMalformedFile(string header, int data, string expected)
    {
        string path = _folder.Write("file", [.. Samples.File(header, data), .. header.Length == 0 ? "  "u8 : []]);
        string message = Assert.Throws<CheckpointException>(() => SafeTensorsFile.Open(path)).Message;
        Assert.StartsWith(path, message, StringComparison.Ordinal);
        Assert.Contains(expected, message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0, "the file is empty")]
    [InlineData(9, "the file is cut off after 9 bytes")]
    [InlineData(20, "names a header of 18446744073709551615 bytes where 2 to 100000000 are allowed")]
    public void RefusesAFileWithoutAHeaderBeforeAllocating(int length, string expected)
    {
        byte[] content = [.. Enumerable.Repeat(byte.MaxValue, length)];
        string path = _folder.Write("file", content);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Contains(expected, Assert.Throws<CheckpointException>(() => SafeTensorsFile.Open(path)).Message,
            StringComparison.Ordinal);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 18);
    }

    [Fact]
    public void RefusesAHeaderLongerThanTheFileBeforeAllocating()
    {
        byte[] content = new byte[20];
        BinaryPrimitives.WriteInt64LittleEndian(content, SafeTensorsHeader.MaximumLength);
        string path = _folder.Write("file", content);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Contains("is cut off: its header needs 100000000 bytes but 12 are there",
            Assert.Throws<CheckpointException>(() => SafeTensorsFile.Open(path)).Message, StringComparison.Ordinal);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 18);
    }

    [Fact]
    public void TruncationAtEveryLengthIsDetected()
    {
        byte[] file = Saved();
        for (int length = 0; length < file.Length; length++)
        {
            string path = _folder.Write("file", file.AsSpan(0, length));
            Assert.Throws<CheckpointException>(() => SafeTensorsFile.Open(path));
            Assert.Throws<CheckpointException>(() => Checkpoint.Open(path));
        }
    }

    [Fact]
    public void AFlipOfAnyBitIsDetected()
    {
        byte[] file = Saved();
        for (int bit = 0; bit < file.Length * 8; bit++)
        {
            file[bit / 8] ^= (byte)(1 << (bit % 8));
            string path = _folder.Write("file", file);
            Assert.Throws<CheckpointException>(() => Checkpoint.Open(path));
            file[bit / 8] ^= (byte)(1 << (bit % 8));
        }
    }

    /// <summary>A foreign file has no hashes, so a flip may pass; but it must never be more than a sentence.</summary>
    [Fact]
    public void AFlipOfAnyBitOfAForeignFileIsHarmless()
    {
        byte[] file = Samples.File("{\"__metadata__\":{\"a\":\"\\u00e9\"}," + Tensor +
            ",\"b\":{" + Float + ",\"shape\":[1,2],\"data_offsets\":[8,16]}}", 16);
        int passed = 0;
        for (int bit = 0; bit < file.Length * 8; bit++)
        {
            file[bit / 8] ^= (byte)(1 << (bit % 8));
            try
            {
                using SafeTensorsFile read = Checkpoint.OpenWeights(_folder.Write("file", file));
                foreach (TensorEntry tensor in read.Tensors.Where(tensor => tensor.DataType == TensorEntry.Float32))
                {
                    read.Read(tensor.Name, new float[tensor.Count]);
                }

                passed++;
            }
            catch (CheckpointException error)
            {
                Assert.StartsWith(_folder.File("file"), error.Message, StringComparison.Ordinal);
            }

            file[bit / 8] ^= (byte)(1 << (bit % 8));
        }

        Assert.InRange(passed, 16 * 8, file.Length * 8 / 2);
    }

    [Fact]
    public void SaysThatAFileIsMissingOrAFolderOrForeign()
    {
        string missing = _folder.File("none");
        Assert.Equal($"{missing}: there is no such checkpoint; check the path.",
            Assert.Throws<CheckpointException>(() => Checkpoint.Open(missing)).Message);
        Assert.Equal($"{_folder.Path}: there is no checkpoint in this folder; train first, or name another folder.",
            Assert.Throws<CheckpointException>(() => Checkpoint.Open(_folder.Path)).Message);
        Assert.Equal($"{_folder.Path}: this is a folder where a checkpoint file was expected; name the file.",
            Assert.Throws<CheckpointException>(() => SafeTensorsFile.Open(_folder.Path)).Message);
        string foreign = _folder.Write("foreign", Samples.File("{}"));
        Assert.Contains("is not a checkpoint of a run", Assert.Throws<CheckpointException>(
            () => Checkpoint.Open(foreign)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void RefusesTensorsAndMetadataThatTheFormatCannotHold()
    {
        Assert.Throws<ArgumentException>(() => new TensorSource("é", [1], _ => { }));
        Assert.Throws<ArgumentException>(() => new TensorSource("__metadata__", [1], _ => { }));
        Assert.Throws<ArgumentException>(() => new TensorSource("a", [2], new float[1]));
        Assert.Throws<ArgumentOutOfRangeException>(() => new TensorSource("a", [-1], _ => { }));
        CheckpointContent twice = Samples.Content(1) with
        {
            Tensors = [new TensorSource("a", [], new float[1]), new TensorSource("a", [], new float[1])],
        };
        Assert.Throws<ArgumentException>(() => CheckpointWriter.Measure(twice, ""));
        CheckpointContent reserved = Samples.Content(1) with
        {
            Metadata = new Dictionary<string, string> { ["step"] = "2" },
        };
        Assert.Throws<ArgumentException>(() => CheckpointWriter.Measure(reserved, ""));
    }

    private byte[] Saved()
    {
        SavedCheckpoint saved = new CheckpointStore(_folder.Path).Save(Samples.Content(3));
        byte[] file = File.ReadAllBytes(saved.Path);
        Directory.GetFiles(_folder.Path).ToList().ForEach(File.Delete);
        return file;
    }

    private static byte[] Bytes(float[] values) => MemoryMarshal.AsBytes(values.AsSpan()).ToArray();

    private static string Hash(byte[] bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));
}
