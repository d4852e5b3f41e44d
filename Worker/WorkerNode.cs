using Distributed.Protocol;
using Distributed.Runtime;
using Microsoft.Extensions.Logging;

namespace Distributed.Worker;

/// <summary>How this worker finds its coordinator: by its address, or through a cluster's engine, whose node outlives a
/// session and is started again when the cluster has given it up.</summary>
internal sealed class WorkerNode(WorkerOptions options, ILoggerFactory loggers) : IAsyncDisposable
{
    private IWorkerNode? _node;

    /// <summary>What runs the worker's actor.</summary>
    public IEngine Engine => options.Vitals.Watch((IEngine?)_node ?? LocalEngine.Instance);

    /// <summary>Asks the coordinator to be let in.</summary>
    /// <exception cref="LinkException">It said no, or nobody said anything in time.</exception>
    public (IControlLink Link, Welcome Welcome) Join(Hello hello)
    {
        if (options.Engine is not { } engine)
            return Connector.Join(Address.EndPoint, hello, options.Limits, options.Security);
        if (_node is { IsLost: true } lost)
        {
            _node = null;
            lost.DisposeAsync().AsTask().GetAwaiter().GetResult();
        }

        _node ??= engine.StartWorker(new WorkerNodeOptions
        {
            SeedNodes = options.Join,
            Security = options.Security,
            Limits = options.Limits,
            Loggers = loggers,
        });
        return _node.Join(hello, options.Limits.AnswerMilliseconds);
    }

    /// <summary>Where tensors go.</summary>
    /// <exception cref="LinkException">No host has that name.</exception>
    public HostAddress DataAddress(Welcome welcome) =>
        welcome.DataAddress is { } address ? HostAddress.Parse(address, "the coordinator's data address") : Address;

    private HostAddress Address => HostAddress.Parse(options.Join[0], "--join");

    /// <summary>Leaves the cluster.</summary>
    public ValueTask DisposeAsync() => _node?.DisposeAsync() ?? ValueTask.CompletedTask;
}
