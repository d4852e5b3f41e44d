using Distributed.Runtime;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Distributed.Coordinator;

/// <summary>
/// The generic host around a training run: settings, logging into the view, and a graceful stop on the first signal.
/// Only what is needed is registered, because it counts in the time to the first step.
/// </summary>
internal static class TrainHost
{
    /// <summary>Checks the settings, trains, and returns the exit code.</summary>
    public static async Task<int> RunAsync(TrainSettings settings, CommandContext context)
    {
        TrainOptions options = TrainOptionsReader.Read(settings, Environment.ProcessorCount);
        using IDisposable? export = Export(options, context.Error);
        using IRunView view = CreateView(context, isExported: export is not null);
        HostApplicationBuilder builder = new(new HostApplicationBuilderSettings
        {
            DisableDefaults = true,
            Configuration = settings.Configuration,
        });
        builder.Logging.SetMinimumLevel(options.LogLevel);
        builder.Logging.AddProvider(new ViewLoggerProvider(view));
        builder.Services.AddSingleton(Options.Create(options));
        builder.Services.AddSingleton(view);
        builder.Services.AddSingleton(context.Train);
        builder.Services.AddSingleton<IHostLifetime, StopSignals>();
        builder.Services.AddSingleton<TrainingService>();
        builder.Services.AddHostedService(services => services.GetRequiredService<TrainingService>());

        // A run ends by its own deadlines, a second signal ends it at once.
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = Timeout.InfiniteTimeSpan);
        using IHost host = builder.Build();
        TrainingService training = host.Services.GetRequiredService<TrainingService>();
        await host.RunAsync();
        return await training.Completion;
    }

    private static IDisposable? Export(TrainOptions options, TextWriter error)
    {
        if (!Telemetry.IsAsked(options.Telemetry)) return null;
        Telemetry.Describe("distributed.run", options.Name);
        return Telemetry.Export("distributed-coordinator", error.WriteLine);
    }

    private static IRunView CreateView(CommandContext context, bool isExported)
    {
        StatusView view = new(RunViews.Create(context), context.Time);
        return isExported ? new TelemetryView(view) : view;
    }

    /// <summary>Runs the training and ends the host with it.</summary>
    private sealed class TrainingService(
        TrainingRunner train, IOptions<TrainOptions> options, IRunView view, ILoggerFactory loggers,
        IHostApplicationLifetime lifetime) : IHostedService
    {
        /// <summary>The run's exit code, or its exception.</summary>
        public Task<int> Completion { get; private set; } = Task.FromResult(ExitCode.Fault);

        public Task StartAsync(CancellationToken cancellation)
        {
            Completion = Task.Run(RunAsync, CancellationToken.None);
            return Task.CompletedTask;
        }

        /// <summary>Waits for the run, however it ends.</summary>
        public async Task StopAsync(CancellationToken cancellation) =>
            await ((Task)Completion).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);

        private async Task<int> RunAsync()
        {
            try
            {
                return await train(options.Value, view, loggers, lifetime.ApplicationStopping);
            }
            finally
            {
                lifetime.StopApplication();
            }
        }
    }
}
