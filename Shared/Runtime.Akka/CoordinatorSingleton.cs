using Akka.Actor;
using Distributed.Protocol;

namespace Distributed.Runtime.Akka;

/// <summary>
/// The cluster singleton: there is one in a cluster, on the oldest node that may coordinate. That it starts is this
/// node's turn to coordinate; workers knock here, and each that shows the token gets a link of its own.
/// </summary>
internal sealed class CoordinatorSingleton : ReceiveActor
{
    private readonly Leadership _leadership;
    private readonly Dictionary<IActorRef, AkkaControlLink> _links = [];

    public CoordinatorSingleton(Leadership leadership)
    {
        _leadership = leadership;
        Receive<Frame>(frame => Greet(frame, Sender));
        Receive<Terminated>(ended => _links.Remove(ended.ActorRef));
    }

    /// <summary>Makes the actor.</summary>
    public static Props Props(Leadership leadership) =>
        global::Akka.Actor.Props.Create(() => new CoordinatorSingleton(leadership))
            .WithDispatcher(AkkaSettings.LinkDispatcher);

    /// <inheritdoc/>
    protected override void PreStart() => _leadership.Take();

    /// <inheritdoc/>
    protected override void PostStop() => _leadership.Lose("another node coordinates from now on");

    private void Greet(Frame frame, IActorRef worker)
    {
        // Before there is a run to join, nobody is answered; workers ask again.
        if (_leadership.Door is not { } door) return;
        if (_links.TryGetValue(worker, out AkkaControlLink? link))
        {
            link.AcceptAgain();
            return;
        }

        ProtocolLimits limits = ProtocolLimits.Default;
        ProtocolError error = AkkaControlLink.TryRead(
            frame.Bytes, limits, limits.MaxHandshakeBytes, new MessagePool(), out Message? message);
        if (error != ProtocolError.None || message is not Hello hello)
        {
            door.Handler.Rejected($"{worker.Path.Address}", "it sent what is no hello");
            return;
        }

        string? objection = !door.HasToken(hello.Token) ? Listener.WrongToken
            : hello.Protocol != ProtocolVersion.Current ? Listener.OtherProtocol(hello) : null;
        link = new AkkaControlLink(limits, isCoordinator: true);
        LinkActor.Start(Context, link, worker);
        if (objection is null)
        {
            _links.Add(worker, link);
            Context.Watch(worker);
            door.Handler.ControlOpened(hello, link);
        }
        else
        {
            link.Refuse(objection);
            door.Handler.Rejected(link.Peer, objection);
        }
    }
}
