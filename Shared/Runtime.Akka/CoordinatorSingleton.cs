using Akka.Actor;
using Akka.Cluster;
using Distributed.Protocol;

namespace Distributed.Runtime.Akka;

/// <summary>
/// The cluster singleton: there is one in a cluster, on the oldest node that may coordinate. Once a majority of those
/// nodes has come together it is this node's turn to coordinate: before that, one that was started again in the smaller
/// part of a network that is cut in two would begin a cluster of its own, and a run. Workers knock here, and each that
/// shows the token gets a link of its own.
/// </summary>
internal sealed class CoordinatorSingleton : ReceiveActor
{
    private readonly Leadership _leadership;
    private readonly int _quorum;
    private readonly ProtocolLimits _limits;
    private readonly HashSet<UniqueAddress> _coordinators = [];
    private readonly Dictionary<IActorRef, AkkaControlLink> _links = [];
    private readonly Dictionary<IActorRef, string> _nonces = [];
    private readonly Queue<IActorRef> _challenged = [];

    public CoordinatorSingleton(Leadership leadership, int quorum, ProtocolLimits limits)
    {
        _limits = limits;
        _leadership = leadership;
        _quorum = quorum;
        Receive<ClusterEvent.MemberUp>(up => Count(up.Member));
        Receive<ClusterEvent.MemberRemoved>(removed => _coordinators.Remove(removed.Member.UniqueAddress));
        Receive<ClusterEvent.IMemberEvent>(_ => { });
        Receive<Frame>(frame => Greet(frame, Sender));
        Receive<Terminated>(ended => _links.Remove(ended.ActorRef));
    }

    /// <summary>Makes the actor.</summary>
    public static Props Props(Leadership leadership, int quorum, ProtocolLimits limits) =>
        global::Akka.Actor.Props.Create(() => new CoordinatorSingleton(leadership, quorum, limits))
            .WithDispatcher(AkkaSettings.LinkDispatcher);

    /// <inheritdoc/>
    protected override void PreStart() => Cluster.Get(Context.System).Subscribe(
        Self, ClusterEvent.SubscriptionInitialStateMode.InitialStateAsEvents, typeof(ClusterEvent.IMemberEvent));

    /// <inheritdoc/>
    protected override void PostStop()
    {
        Cluster.Get(Context.System).Unsubscribe(Self);
        _leadership.Lose("another node coordinates from now on");
    }

    private static string Host(IActorRef worker) => worker.Path.Address.Host ?? "this node";

    private void Count(Member member)
    {
        if (member.HasRole(AkkaSettings.CoordinatorRole)) _coordinators.Add(member.UniqueAddress);
        if (_coordinators.Count >= _quorum) _leadership.Take();
    }

    private void Greet(Frame frame, IActorRef worker)
    {
        // Before there is a run to join, nobody is answered; workers ask again.
        if (_leadership.Door is not { } door) return;
        if (_links.TryGetValue(worker, out AkkaControlLink? link))
        {
            link.AcceptAgain();
            return;
        }

        ProtocolError error = AkkaControlLink.TryRead(
            frame.Bytes, _limits, _limits.MaxHandshakeBytes, new MessagePool(), out Message? message);
        if (error == ProtocolError.None && message is Knock) Challenge(worker);
        else if (error == ProtocolError.None && message is Hello hello) Greet(hello, worker, door);
        else Reject(worker, door, RejectionKind.Rubbish, "it sent what is no hello");
    }

    private void Greet(Hello hello, IActorRef worker, Door door)
    {
        if (hello.Protocol != ProtocolVersion.Current)
        {
            Refuse(worker, door, RejectionKind.OtherVersion, Listener.OtherProtocol(hello));
        }
        else if (!_nonces.Remove(worker, out string? nonce))
        {
            // It was challenged by whoever coordinated before, or so long ago that it was forgotten; or it is not the
            // one that said this.
            if (door.Token.WasProven(hello.Token))
                Reject(worker, door, RejectionKind.Replayed, "it sent the hello of an earlier connection again");
            else
                Challenge(worker);
        }
        else if (!door.Token.IsProven(hello.Token, nonce))
        {
            Refuse(worker, door, RejectionKind.WrongToken, RunToken.Wrong);
        }
        else
        {
            AkkaControlLink link = Link(worker);
            _links.Add(worker, link);
            Context.Watch(worker);
            door.Handler.ControlOpened(hello, link);
        }
    }

    /// <summary>Asks for a proof of the token; asked again, for the same one, since an answer may be on its way.
    /// </summary>
    private void Challenge(IActorRef worker)
    {
        if (!_nonces.TryGetValue(worker, out string? nonce))
        {
            _nonces.Add(worker, nonce = RunToken.NewNonce());
            _challenged.Enqueue(worker);
            if (_challenged.Count > _limits.MaxPendingHandshakes) _nonces.Remove(_challenged.Dequeue());
        }

        worker.Tell(new Frame(0, AkkaControlLink.Encode(new Challenge(nonce))), Self);
    }

    private AkkaControlLink Link(IActorRef worker)
    {
        AkkaControlLink link = new(_limits, isCoordinator: true);
        LinkActor.Start(Context, link, worker);
        return link;
    }

    private void Refuse(IActorRef worker, Door door, RejectionKind kind, string objection)
    {
        Link(worker).Refuse(objection);
        Reject(worker, door, kind, objection.TrimEnd('.'));
    }

    private static void Reject(IActorRef worker, Door door, RejectionKind kind, string reason) =>
        door.Handler.Rejected(new Rejection(Host(worker), kind, reason));
}
