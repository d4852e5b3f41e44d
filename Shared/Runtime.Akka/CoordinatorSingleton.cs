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
    private readonly HashSet<UniqueAddress> _coordinators = [];
    private readonly Dictionary<IActorRef, AkkaControlLink> _links = [];

    public CoordinatorSingleton(Leadership leadership, int quorum)
    {
        _leadership = leadership;
        _quorum = quorum;
        Receive<ClusterEvent.MemberUp>(up => Count(up.Member));
        Receive<ClusterEvent.MemberRemoved>(removed => _coordinators.Remove(removed.Member.UniqueAddress));
        Receive<ClusterEvent.IMemberEvent>(_ => { });
        Receive<Frame>(frame => Greet(frame, Sender));
        Receive<Terminated>(ended => _links.Remove(ended.ActorRef));
    }

    /// <summary>Makes the actor.</summary>
    public static Props Props(Leadership leadership, int quorum) =>
        global::Akka.Actor.Props.Create(() => new CoordinatorSingleton(leadership, quorum))
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

        ProtocolLimits limits = ProtocolLimits.Default;
        ProtocolError error = AkkaControlLink.TryRead(
            frame.Bytes, limits, limits.MaxHandshakeBytes, new MessagePool(), out Message? message);
        if (error != ProtocolError.None || message is not Hello hello)
        {
            door.Handler.Rejected(
                new Rejection(Host(worker), RejectionKind.Rubbish, "it sent what is no hello"));
            return;
        }

        string? objection = !door.Token.Is(hello.Token) ? RunToken.Wrong
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
            RejectionKind kind = objection == RunToken.Wrong ? RejectionKind.WrongToken : RejectionKind.OtherVersion;
            door.Handler.Rejected(new Rejection(Host(worker), kind, objection.TrimEnd('.')));
        }
    }
}
