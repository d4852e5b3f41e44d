using System.Security.Cryptography;
using System.Text;
using Distributed.Numerics.OpenCl.Native;

namespace Distributed.Numerics.OpenCl;

/// <summary>
/// A device's programs: compiled from embedded sources once, then kept as the driver's binaries in the user's cache.
/// A file there is named by the hash of device, driver, source and defines, and holds the hash of its content; one that
/// is broken, or that the driver doesn't take, is compiled and written again.
/// </summary>
internal sealed class ProgramCache(nint context, OpenClDeviceInfo device, string folder) : IDisposable
{
    private readonly Dictionary<string, nint> _programs = [];
    private readonly Lock _lock = new();

    /// <summary>Programs that were compiled rather than read.</summary>
    public int Compiled { get; private set; }

    /// <summary>XDG_CACHE_HOME where it is set, as on Linux desktops; else the user's local application data.</summary>
    public static string UserFolder
    {
        get
        {
            string? root = Environment.GetEnvironmentVariable("XDG_CACHE_HOME");
            return Path.Combine(
                string.IsNullOrEmpty(root)
                    ? Environment.GetFolderPath(
                        Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.DoNotVerify)
                    : root,
                "distributed", "opencl");
        }
    }

    /// <summary>
    /// The program of some sources, one behind the other and the operation's the second, with defines as compiler
    /// options.
    /// </summary>
    /// <exception cref="DeviceException">The device's compiler does not take it.</exception>
    public nint Get(IReadOnlyList<string> files, string defines)
    {
        string options = "-cl-std=CL1.2" +
            (device.RoundsDivisionsCorrectly ? " -cl-fp32-correctly-rounded-divide-sqrt" : "") + defines;
        string source = string.Concat(files.Select(Read));
        string key = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join(
            '\0', device.Platform, device.PlatformRelease, device.Name, device.Driver, device.OpenClVersion, options,
            source))));
        lock (_lock)
        {
            if (_programs.TryGetValue(key, out nint program)) return program;
            program = Load(key, options);
            if (program == 0) program = Compile(key, files[1], source, options);
            _programs.Add(key, program);
            return program;
        }
    }

    public void Dispose()
    {
        foreach (nint program in _programs.Values) _ = OpenClLibrary.ReleaseProgram(program);
    }

    private static string Read(string name)
    {
        using Stream stream = typeof(ProgramCache).Assembly.GetManifestResourceStream(name)
            ?? throw new InvalidOperationException($"There is no kernel source {name}.");
        using StreamReader reader = new(stream);
        return reader.ReadToEnd();
    }

    private string PathOf(string key, string kind) => Path.Combine(folder, $"{key}.{kind}");

    private nint Load(string key, string options)
    {
        try
        {
            byte[] file = File.ReadAllBytes(PathOf(key, "bin"));
            if (file.Length <= SHA256.HashSizeInBytes) return 0;
            ReadOnlySpan<byte> hash = file.AsSpan(0, SHA256.HashSizeInBytes);
            byte[] binary = file[SHA256.HashSizeInBytes..];
            if (!hash.SequenceEqual(SHA256.HashData(binary))) return 0;
            nint program = OpenClCalls.CreateProgram(context, device.Handle, binary);
            if (program == 0 || OpenClCalls.Build(program, device.Handle, options)) return program;
            _ = OpenClLibrary.ReleaseProgram(program);
            return 0;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return 0;
        }
    }

    private nint Compile(string key, string name, string source, string options)
    {
        nint program = OpenClCalls.CreateProgram(context, source);
        if (!OpenClCalls.Build(program, device.Handle, options))
        {
            string log = OpenClCalls.Log(program, device.Handle);
            _ = OpenClLibrary.ReleaseProgram(program);
            throw new DeviceException(
                $"{device.Name} can't compile {name} (driver {device.Driver}); {KeepLog(key, options, log)}.");
        }

        Compiled++;
        Write(key, OpenClCalls.Binary(program));
        return program;
    }

    private string KeepLog(string key, string options, string log)
    {
        string path = PathOf(key, "log");
        try
        {
            Directory.CreateDirectory(folder);
            File.WriteAllText(path, $"options: {options}\n{log}\n");
            return $"its compiler's log is in {path}";
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return $"its compiler says: {Sentence.OneLine(log)}";
        }
    }

    /// <summary>Under another name first, so that nobody reads half a file. Without a cache all works.</summary>
    private void Write(string key, byte[] binary)
    {
        if (binary.Length == 0) return;
        string path = PathOf(key, "bin"), unfinished = $"{path}.{Guid.NewGuid():N}";
        try
        {
            Directory.CreateDirectory(folder);
            File.WriteAllBytes(unfinished, [.. SHA256.HashData(binary), .. binary]);
            File.Move(unfinished, path, overwrite: true);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            try
            {
                File.Delete(unfinished);
            }
            catch (Exception again) when (again is IOException or UnauthorizedAccessException)
            {
                // The disk is full or read-only.
            }
        }
    }
}
