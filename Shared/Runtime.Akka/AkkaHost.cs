using System.Net;
using System.Net.Sockets;
using Akka.Actor;
using Akka.Actor.Setup;
using Akka.Cluster.Hosting;
using Akka.Hosting;
using Akka.Remote.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Distributed.Runtime.Akka;

/// <summary>
/// An actor system in a host of its own, so that a node which the cluster has given up can be followed by another in
/// the same process.
/// </summary>
internal sealed class AkkaHost : IAsyncDisposable
{
    private static readonly TimeSpan LeaveDeadline = TimeSpan.FromSeconds(6);

    private readonly IHost _host;
    private readonly ILogger _log;

    private AkkaHost(IHost host, ILoggerFactory loggers)
    {
        _host = host;
        _log = loggers.CreateLogger<AkkaHost>();
        System = host.Services.GetRequiredService<ActorSystem>();
        Registry = host.Services.GetRequiredService<ActorRegistry>();
    }

    /// <summary>The actor system.</summary>
    public ActorSystem System { get; }

    /// <summary>Its well-known actors.</summary>
    public IReadOnlyActorRegistry Registry { get; }

    /// <summary>Starts an actor system.</summary>
    /// <param name="options">Where it listens.</param>
    /// <param name="cluster">How it takes part.</param>
    /// <param name="security">How its connections are kept from others.</param>
    /// <param name="loggers">Where its log goes.</param>
    /// <param name="more">Starts its actors.</param>
    /// <exception cref="LinkException">The address can't be had, or must not be used.</exception>
    public static AkkaHost Start(
        RemoteOptions options, ClusterOptions cluster, LinkSecurity security, ILoggerFactory loggers,
        Action<AkkaConfigurationBuilder> more)
    {
        IPEndPoint bind = new(IPAddress.Parse(options.HostName!), options.Port!.Value);
        Setup? tls = RemoteTls.Setup(security, bind);
        RequireFree(bind);
        HostApplicationBuilder builder = new(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.Services.AddSingleton<IHostLifetime, NoLifetime>();
        builder.Services.AddSingleton(loggers);
        builder.Services.AddAkka(AkkaSettings.SystemName, akka =>
        {
            akka.AddHocon(AkkaSettings.Rest, HoconAddMode.Prepend);
            if (tls is not null) akka.AddHocon(RemoteTls.Settings, HoconAddMode.Prepend).AddSetup(tls);
            akka.ConfigureLoggers(logging =>
            {
                // What it says of nodes that come and go is said in our own words, without stack traces.
                logging.ClearLoggers();
                if (loggers.CreateLogger<AkkaHost>().IsEnabled(LogLevel.Information)) logging.AddLoggerFactory(loggers);
            });
            akka.WithRemoting(options).WithClustering(cluster);
            more(akka);
        });
        IHost host = builder.Build();
        try
        {
            host.Start();
            return new AkkaHost(host, loggers);
        }
        catch (Exception error) when (error is not OutOfMemoryException)
        {
            host.Dispose();
            throw new LinkException($"Akka can't listen at {bind}: {error.GetBaseException().Message.TrimEnd('.')}.");
        }
    }

    /// <summary>Leaves the cluster and ends the actor system.</summary>
    public async ValueTask DisposeAsync()
    {
        await WaitAsync(_host.StopAsync(), "The cluster has not let this node go").ConfigureAwait(false);
        await EndAsync().ConfigureAwait(false);
    }

    /// <summary>Ends the actor system without a good-bye.</summary>
    public async Task EndAsync()
    {
        await WaitAsync(System.Terminate(), "Akka has not ended").ConfigureAwait(false);
        _host.Dispose();
    }

    private async Task WaitAsync(Task ending, string late)
    {
        await ending.WaitAsync(LeaveDeadline).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (ending.IsCompleted) return;
        _log.LogWarning(
            "{Late} within {Seconds} s; this process goes on without, and the others notice its silence",
            late, LeaveDeadline.TotalSeconds);
    }

    // Akka would print a stack trace.
    private static void RequireFree(IPEndPoint bind)
    {
        using Socket socket = new(bind.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.Bind(bind);
        }
        catch (SocketException error)
        {
            throw new LinkException(error.SocketErrorCode == SocketError.AddressAlreadyInUse
                ? $"Port {bind.Port} on {bind.Address} is in use; choose another."
                : $"Can't listen on {bind}: {error.Message}.");
        }
    }

    /// <summary>Signals are the program's to handle.</summary>
    private sealed class NoLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
