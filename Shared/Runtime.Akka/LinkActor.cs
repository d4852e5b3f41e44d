using Akka.Actor;
using Akka.Cluster;
using Distributed.Protocol;

namespace Distributed.Runtime.Akka;

/// <summary>One end of a control link: takes its frames in turn, beats, and watches the other end.</summary>
internal sealed class LinkActor : ReceiveActor, IWithTimers
{
    private static readonly TimeSpan AskAgain = TimeSpan.FromSeconds(1);

    private static readonly Frame Knock = new(0, AkkaControlLink.Encode(new Knock()));

    private readonly AkkaControlLink _link;
    private IActorRef? _peer;
    private Asking? _asking;
    private Frame _question = Knock;

    public LinkActor(AkkaControlLink link)
    {
        _link = link;
        Receive<Frame>(Prove, frame => frame.Number == 0);
        Receive<Frame>(frame => link.Arrive(frame, Sender));
        Receive<Asking>(Ask);
        Receive<Begin>(TakePeer);
        Receive<BeatDue>(_ => link.Beat());
        Receive<Terminated>(_ => link.End(LinkEnd.ClosedByPeer));
        Receive<ClusterEvent.MemberRemoved>(
            _ => link.End(new LinkEnd(LinkEndKind.Failed, "its node was removed from the cluster")),
            removed => removed.Member.Address.Equals(_peer?.Path.Address));
        Receive<ClusterEvent.IMemberEvent>(_ => { });
    }

    /// <inheritdoc/>
    public ITimerScheduler Timers { get; set; } = null!;

    /// <summary>Starts a coordinator's end.</summary>
    public static void Start(IActorContext context, AkkaControlLink link, IActorRef worker) =>
        link.Connect(context.ActorOf(Props(link)), worker);

    /// <summary>Starts a worker's end, which knocks, and says who it is, until it is answered.</summary>
    public static void Start(ActorSystem system, AkkaControlLink link, IActorRef coordinator, Hello hello)
    {
        IActorRef actor = system.ActorOf(Props(link));
        link.Connect(actor, coordinator);
        actor.Tell(new Asking(coordinator, hello));
    }

    /// <inheritdoc/>
    protected override void PostStop()
    {
        Cluster.Get(Context.System).Unsubscribe(Self);
        _link.End(LinkEnd.ClosedHere);
    }

    private static Props Props(AkkaControlLink link) =>
        global::Akka.Actor.Props.Create(() => new LinkActor(link)).WithDispatcher(AkkaSettings.LinkDispatcher);

    // Through the singleton's proxy, which drops what it can't deliver for long: so it is said again.
    private void Ask(Asking asking)
    {
        if (_link.Answer.IsCompleted) return;
        _asking = asking;
        asking.Coordinator.Tell(_question, Self);
        Timers.StartSingleTimer(nameof(Asking), asking, AskAgain);
    }

    // The token stays here: what is sent proves it to whoever challenged, and to nobody else.
    private void Prove(Frame frame)
    {
        if (_asking is not { } asking || _link.ReadChallenge(frame) is not { } challenge) return;
        Hello hello = asking.Hello;
        _question = new Frame(
            0, AkkaControlLink.Encode(hello with { Token = RunToken.Prove(hello.Token, challenge.Nonce) }));
        Ask(asking);
    }

    private void TakePeer(Begin begin)
    {
        _peer = begin.Peer;
        Context.Watch(begin.Peer);
        Cluster.Get(Context.System).Subscribe(
            Self, ClusterEvent.SubscriptionInitialStateMode.InitialStateAsEvents, typeof(ClusterEvent.MemberRemoved));
        Timers.StartPeriodicTimer(nameof(BeatDue), BeatDue.Now, begin.Heartbeat);
    }

    /// <summary>The link was welcomed.</summary>
    public sealed record Begin(IActorRef Peer, TimeSpan Heartbeat);

    private sealed record Asking(IActorRef Coordinator, Hello Hello);

    private sealed record BeatDue
    {
        public static BeatDue Now { get; } = new();
    }
}
