using Distributed.Protocol;

namespace Distributed.Runtime;

/// <summary>What may travel over a control link, whatever carries it.</summary>
internal static class ControlTraffic
{
    /// <summary>Whether a message may come to this side after the handshake.</summary>
    public static bool MayCome(MessageKind kind, bool toCoordinator) => kind switch
    {
        MessageKind.Heartbeat => true,
        MessageKind.Ready or MessageKind.EvaluationResult or MessageKind.Leaving or MessageKind.TraceSpans
            => toCoordinator,
        MessageKind.Train or MessageKind.Evaluate or MessageKind.Credit or MessageKind.Stop => !toCoordinator,
        _ => false,
    };
}
