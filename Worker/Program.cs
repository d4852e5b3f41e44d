using System.CommandLine;
using System.Globalization;
using Distributed.Numerics;
using Distributed.Numerics.OpenCl;
using Distributed.Runtime;
using Distributed.Runtime.Native;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Distributed.Worker;

/// <summary>The worker's program: joins a coordinator and computes until it is told to stop.</summary>
internal static class Program
{
    private static readonly TimeSpan StopDeadline = TimeSpan.FromSeconds(5);

    private const string LocalData = "local";
    private const string CoordinatorData = "coordinator";

    private static readonly Option<string> Join = new("--join")
    {
        Description = "HOST:PORT of the coordinator; with --engine akka of every one that may coordinate, with commas",
        Required = true,
    };

    private static readonly Option<string> Engine = new("--engine")
    {
        Description = "what the coordinator's --engine says: local or akka",
        DefaultValueFactory = _ => "local",
    };

    private static readonly Option<int?> Threads = new("--threads")
    {
        Description = "compute threads, or micro-batches that a device has at once (default: the cores; of a GPU 2)",
    };

    private static readonly Option<string> Device = new("--device")
    {
        Description = $"what computes: {DeviceChoice.Known}; 'coordinator devices' lists them",
        DefaultValueFactory = _ => DeviceChoice.Cpu,
    };

    private static readonly Option<string?> DataDirectory = new("--data-dir")
    {
        Description = "folder to look for data sets in",
    };

    private static readonly Option<string> DataFrom = new("--data-from")
    {
        Description = "local: from this host's files; coordinator: it sends them, and they are kept in the cache",
        DefaultValueFactory = _ => LocalData,
    };

    private static readonly Option<string?> Certificates = new("--certificates")
    {
        Description = "folder with ca.crt and this host's certificate and key: links use mutual TLS",
    };

    private static readonly Option<string?> Certificate = new("--certificate")
    {
        Description = "this host's name among the certificates (default: the only one with a key)",
    };

    private static readonly Option<string?> Insecure = new("--insecure")
    {
        Description = $"leave this machine without TLS; takes the words \"{LinkSecurity.InsecureWords}\"",
    };

    private static readonly Option<string?> TokenFile = new("--token-file")
    {
        Description = "file that holds the run's token",
    };

    private static readonly Option<string> Rejoin = new("--rejoin")
    {
        Description = "how long to look for a coordinator that is gone, such as 90s, 10m or 1h; 0: not at all",
        DefaultValueFactory = _ => "10m",
    };

    private static readonly Option<string?> Health = new("--health")
    {
        Description = "HOST:PORT where GET /live and GET /ready are answered over HTTP; beyond this machine too, as "
            + "for Kubernetes' probes: nothing secret is told",
    };

    private static readonly Option<string?> TelemetryUrl = new("--telemetry")
    {
        Description = "URL of the OTLP collector that gets metrics and traces "
            + $"(default: {Telemetry.EndpointVariable}; other OTEL_... variables count as well)",
    };

    private static readonly Option<int> LaunchId = new("--launch-id")
    {
        DefaultValueFactory = _ => -1,
        Hidden = true,
    };

    private static int Main(string[] arguments)
    {
        RootCommand root = new("Joins a coordinator and computes for it. The run's token is taken from --token-file or "
            + $"the environment variable {WorkerOptions.TokenVariable}.")
        {
            Join, Engine, Threads, Device, DataDirectory, DataFrom, Certificates, Certificate, Insecure, TokenFile,
            Rejoin, Health, TelemetryUrl, LaunchId,
        };
        root.SetAction(parsed =>
        {
            try
            {
                return Run(Read(parsed), parsed.GetValue(Health), parsed.GetValue(TelemetryUrl));
            }
            catch (Exception mistake) when (mistake is LinkException or DeviceException)
            {
                return Refuse(mistake.Message);
            }
        });
        ParseResult result = root.Parse(arguments);
        return result.Errors.Count == 0 ? result.Invoke() : Refuse(result.Errors[0].Message);
    }

    /// <exception cref="LinkException">A mistake in what was given.</exception>
    /// <exception cref="DeviceException">The device isn't there, or can't be opened.</exception>
    private static WorkerOptions Read(ParseResult parsed)
    {
        string[] join = parsed.GetValue(Join)!.Split(',', StringSplitOptions.TrimEntries);
        IClusterEngine? engine = ReadEngine(parsed.GetValue(Engine)!);
        if (engine is null && join.Length > 1)
            throw new LinkException($"{Join.Name}: the local engine has one coordinator, got {join.Length} addresses.");
        HostAddress first = HostAddress.Parse(join[0], Join.Name);
        OpenClDeviceInfo? device = DeviceChoice.Find(parsed.GetValue(Device)!);
        int threads = parsed.GetValue(Threads) ?? device?.StandardThreads ?? Environment.ProcessorCount;
        if (threads is < 1 or > 1024)
            throw new LinkException($"{Threads.Name} must be 1 to 1024, got {threads}.");
        return new WorkerOptions
        {
            Join = join,
            Engine = engine,
            Security = LinkSecurity.Chosen(
                parsed.GetValue(Certificates), parsed.GetValue(Certificate), parsed.GetValue(Insecure),
                first.Host),
            Token = ReadToken(parsed.GetValue(TokenFile)),
            Limits = LimitSetting.FromEnvironment(Environment.GetEnvironmentVariable),
            Threads = threads,
            Device = device is null ? null : OpenClDevice.Open(device),
            DataDirectory = parsed.GetValue(DataDirectory),
            DataFromCoordinator = ReadDataFrom(parsed.GetValue(DataFrom)!),
            Rejoin = ReadTime(parsed.GetValue(Rejoin)!, Rejoin.Name),
            LaunchId = parsed.GetValue(LaunchId),
        };
    }

    private static IClusterEngine? ReadEngine(string name) => name switch
    {
        "local" => null,
        Engines.Akka => Engines.Cluster ?? throw new LinkException($"{Engine.Name}: {Engines.Missing}."),
        _ => throw new LinkException($"{Engine.Name}: expected local or akka, got '{name}'."),
    };

    private static bool ReadDataFrom(string text) => text switch
    {
        LocalData => false,
        CoordinatorData => true,
        _ => throw new LinkException(
            $"{DataFrom.Name}: expected {LocalData} or {CoordinatorData}, got '{text}'."),
    };

    private static TimeSpan ReadTime(string text, string option)
    {
        double unit = text switch { [.., 'h'] => 3600, [.., 'm'] => 60, _ => 1 };
        bool isNumber = double.TryParse(
            text.TrimEnd('s', 'm', 'h'), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture,
            out double count);
        return isNumber && count * unit <= TimeSpan.FromDays(365).TotalSeconds
            ? TimeSpan.FromSeconds(count * unit)
            : throw new LinkException($"{option}: expected a time such as 90s, 10m or 1h, got '{text}'.");
    }

    private static string ReadToken(string? file)
    {
        if (file is null)
        {
            return Environment.GetEnvironmentVariable(WorkerOptions.TokenVariable) is { Length: > 0 } given
                ? given
                : throw new LinkException($"The run's token is missing: give --token-file, or set "
                    + $"{WorkerOptions.TokenVariable}, to what the run's file 'token' holds.");
        }

        try
        {
            return File.ReadAllText(file).Trim() is { Length: > 0 } read
                ? read : throw new LinkException($"{file}: the token's file is empty.");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new LinkException($"{file}: the token can't be read ({error.Message.TrimEnd('.')}).");
        }
    }

    /// <exception cref="LinkException">A mistake in what was given, or the health's port can't be had.</exception>
    private static int Run(WorkerOptions options, string? healthAddress, string? telemetryUrl)
    {
        HealthStatus? health = healthAddress is null ? null : new HealthStatus(WorkerVitals.Coordinator(options));
        using HealthEndpoint? endpoint = health is null
            ? null : HealthEndpoint.Open(HostAddress.Parse(healthAddress!, Health.Name), health);
        if (endpoint is not null) Console.WriteLine(endpoint);
        using WorkerTelemetry? telemetry = Export(options, telemetryUrl);
        return Host(options with { Vitals = new WorkerVitals(health, telemetry) });
    }

    private static WorkerTelemetry? Export(WorkerOptions options, string? url)
    {
        if (!Telemetry.IsAsked(url)) return null;
        Telemetry.Describe("distributed.worker", options.Name);
        return new WorkerTelemetry(Telemetry.Export("distributed-worker", Console.Error.WriteLine));
    }

    private static int Host(WorkerOptions options)
    {
        if (options.IsLocal) ThreadPriorities.DieWithParent(); // by the kernel, even where it is stopped
        if (options.IsLocal || OrphanGuard.IsAsked) OrphanGuard.Start(ExitCodes.CoordinatorLost);
        HostApplicationBuilder builder = Microsoft.Extensions.Hosting.Host.CreateEmptyApplicationBuilder(null);
        builder.Services.AddSingleton(options);
        builder.Services.AddSingleton<IHostLifetime, WorkerLifetime>();
        builder.Services.AddSingleton<WorkerService>();
        builder.Services.AddHostedService(services => services.GetRequiredService<WorkerService>());
        using IHost host = builder.Build();
        host.Start();
        SessionEnd end = host.Services.GetRequiredService<WorkerService>().WaitForEnd();
        if (!host.StopAsync().Wait(StopDeadline))
        {
            Console.Error.WriteLine($"The worker's host did not stop within {StopDeadline.TotalSeconds:0} s; the "
                + "process ends all the same.");
        }

        if (end.Reason.Length > 0) Console.Error.WriteLine($"error: {end.Reason}");
        return end.ExitCode;
    }

    private static int Refuse(string reason)
    {
        Console.Error.WriteLine($"error: {reason}");
        return ExitCodes.UserError;
    }
}
