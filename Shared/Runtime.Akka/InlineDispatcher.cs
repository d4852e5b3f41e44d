using Akka.Configuration;
using Akka.Dispatch;

namespace Distributed.Runtime.Akka;

/// <summary>
/// Runs an actor on the thread that sends to it, if no other thread runs it already: waking one would cost more than a
/// role's decision does. What sends must not mind being held up for that long.
/// </summary>
public sealed class InlineDispatcherConfigurator(Config config, IDispatcherPrerequisites prerequisites)
    : MessageDispatcherConfigurator(config, prerequisites)
{
    /// <inheritdoc/>
    public override MessageDispatcher Dispatcher() => new InlineDispatcher(this);

    private sealed class InlineDispatcher(MessageDispatcherConfigurator configurator) : MessageDispatcher(configurator)
    {
        protected override void ExecuteTask(IRunnable run) => run.Run();

        protected override void Shutdown()
        {
            // There are no threads to end.
        }
    }
}
