using Akka.Actor;
using Akka.Cluster;

namespace Distributed.Runtime.Akka;

/// <summary>Tells a person what happens to the nodes that may coordinate; workers are the coordinator's to speak of.
/// </summary>
internal sealed class ClusterWatch : ReceiveActor
{
    private readonly Action<string> _say;
    private readonly int _quorum;
    private readonly Cluster _cluster = Cluster.Get(Context.System);
    private readonly HashSet<Address> _there = [];

    public ClusterWatch(int quorum, Action<string> say)
    {
        _quorum = quorum;
        _say = say;
        Receive<ClusterEvent.MemberJoined>(joined => Join(joined.Member), joined => MayCoordinate(joined.Member));
        Receive<ClusterEvent.MemberUp>(up => Join(up.Member), up => MayCoordinate(up.Member));
        Receive<ClusterEvent.UnreachableMember>(
            lost => Say(lost.Member, "is not reached any more"), lost => MayCoordinate(lost.Member));
        Receive<ClusterEvent.ReachableMember>(
            found => Say(found.Member, "is reached again"), found => MayCoordinate(found.Member));
        Receive<ClusterEvent.MemberRemoved>(Remove, removed => MayCoordinate(removed.Member));
        Receive<ClusterEvent.IClusterDomainEvent>(_ => { });
    }

    /// <summary>Makes the actor.</summary>
    public static Props Props(int quorum, Action<string> say) =>
        global::Akka.Actor.Props.Create(() => new ClusterWatch(quorum, say));

    /// <inheritdoc/>
    protected override void PreStart() => _cluster.Subscribe(
        Self, ClusterEvent.SubscriptionInitialStateMode.InitialStateAsEvents, typeof(ClusterEvent.IMemberEvent),
        typeof(ClusterEvent.IReachabilityEvent));

    private static bool MayCoordinate(Member member) => member.HasRole(AkkaSettings.CoordinatorRole);

    private void Join(Member member)
    {
        if (!_there.Add(member.Address) || _quorum == 1) return;
        string others = _there.Count < _quorum
            ? $": {_there.Count} of the {_quorum} are there without which nobody coordinates" : "";
        Say(member, $"may coordinate{others}");
    }

    private void Remove(ClusterEvent.MemberRemoved removed)
    {
        _there.Remove(removed.Member.Address);
        Say(removed.Member, removed.PreviousStatus == MemberStatus.Down
            ? "was removed: it did not come back" : "has left");
    }

    private void Say(Member member, string what)
    {
        bool isSelf = member.Address.Equals(_cluster.SelfAddress);
        _say($"{(isSelf ? "This node" : $"{member.Address.Host}:{member.Address.Port}")} {what}.");
    }
}
