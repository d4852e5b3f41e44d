using System.Collections.Concurrent;
using Akka.Actor;

namespace Distributed.Runtime.Akka;

/// <summary>
/// The shell of a role: a <see cref="ReceiveActor"/> that hands on one item a turn. Items wait beside the actor's own
/// mailbox, which only says that it is some item's turn, so that nothing is allocated for one that is a struct.
/// </summary>
internal sealed class RoleActor<T> : ReceiveActor
{
    public RoleActor(Handle handle) => Receive<Turn>(_ => handle.Take());

    /// <summary>Starts the actor of a role; <see cref="IEngine.Start"/> says what the arguments are.</summary>
    public static IActor<T> Start(ActorSystem system, string name, Action<T> handler, Action<Exception> fault)
    {
        Handle handle = new(handler, fault);
        Props props = Props.Create(() => new RoleActor<T>(handle)).WithDispatcher(AkkaSettings.InlineDispatcher);
        handle.Reference = system.ActorOf(props, $"{name}-{Interlocked.Increment(ref RoleNumber.Last)}");
        return handle;
    }

    /// <summary>It is some item's turn.</summary>
    private sealed record Turn
    {
        public static Turn Next { get; } = new();
    }

    internal sealed class Handle(Action<T> handler, Action<Exception> fault) : IActor<T>
    {
        private readonly ConcurrentQueue<T> _items = new();
        private volatile bool _closed;

        public IActorRef Reference { get; set; } = ActorRefs.Nobody;

        public void Post(in T item)
        {
            if (_closed) return;
            _items.Enqueue(item);
            Reference.Tell(Turn.Next, ActorRefs.NoSender);
        }

        public void Close()
        {
            if (_closed) return;
            _closed = true;
            _items.Clear();
            Reference.Tell(PoisonPill.Instance, ActorRefs.NoSender);
        }

        public void Take()
        {
            if (!_items.TryDequeue(out T? item)) return;
            try
            {
                handler(item);
            }
            catch (Exception broken)
            {
                Close();
                fault(broken);
            }
        }
    }
}

/// <summary>Numbers the actors of roles: a process may hold one role after the other.</summary>
file static class RoleNumber
{
    public static int Last;
}
