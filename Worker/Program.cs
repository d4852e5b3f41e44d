using System.CommandLine;
using System.Net;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Distributed.Worker;

/// <summary>The worker's program: joins a coordinator and computes until it is told to stop.</summary>
internal static class Program
{
    private static int Main(string[] arguments)
    {
        Option<string> join = new("--join") { Description = "HOST:PORT of the coordinator", Required = true };
        Option<int> threads = new("--threads")
        {
            Description = "compute threads",
            DefaultValueFactory = _ => Environment.ProcessorCount,
        };
        Option<string?> dataDirectory = new("--data-dir") { Description = "folder to look for data sets in" };
        Option<int> launchId = new("--launch-id") { DefaultValueFactory = _ => -1, Hidden = true };
        RootCommand root = new("Joins a coordinator and computes for it. The run's token is taken from the environment "
            + $"variable {WorkerOptions.TokenVariable}.") { join, threads, dataDirectory, launchId };
        root.SetAction(parsed => Run(
            parsed.GetValue(join)!,
            parsed.GetValue(threads),
            parsed.GetValue(dataDirectory),
            parsed.GetValue(launchId)));
        ParseResult result = root.Parse(arguments);
        if (result.Errors.Count == 0) return result.Invoke();
        return Refuse(result.Errors[0].Message);
    }

    private static int Run(string join, int threads, string? dataDirectory, int launchId)
    {
        string numeric = join.Replace("localhost", "127.0.0.1", StringComparison.Ordinal);
        if (!IPEndPoint.TryParse(numeric, out IPEndPoint? endPoint))
            return Refuse($"--join takes HOST:PORT, such as 127.0.0.1:5000; got \"{join}\".");
        if (threads is < 1 or > 1024) return Refuse($"--threads must be 1 to 1024, got {threads}.");
        if (Environment.GetEnvironmentVariable(WorkerOptions.TokenVariable) is not { Length: > 0 } token)
            return Refuse(
                $"The run's token is missing: set {WorkerOptions.TokenVariable} to what the run's file 'token' holds.");
        return Host(new WorkerOptions
        {
            Coordinator = endPoint,
            Token = token,
            Threads = threads,
            DataDirectory = dataDirectory,
            LaunchId = launchId,
        });
    }

    private static int Host(WorkerOptions options)
    {
        if (options.IsLocal) OrphanGuard.Start();
        HostApplicationBuilder builder = Microsoft.Extensions.Hosting.Host.CreateEmptyApplicationBuilder(null);
        builder.Services.AddSingleton(options);
        builder.Services.AddSingleton<IHostLifetime, WorkerLifetime>();
        builder.Services.AddSingleton<WorkerService>();
        builder.Services.AddHostedService(services => services.GetRequiredService<WorkerService>());
        using IHost host = builder.Build();
        host.Start();
        SessionEnd end = host.Services.GetRequiredService<WorkerService>().WaitForEnd();
        host.StopAsync().Wait(TimeSpan.FromSeconds(5));
        if (end.Reason.Length > 0) Console.Error.WriteLine($"error: {end.Reason}");
        return end.ExitCode;
    }

    private static int Refuse(string reason)
    {
        Console.Error.WriteLine($"error: {reason}");
        return ExitCodes.UserError;
    }
}
