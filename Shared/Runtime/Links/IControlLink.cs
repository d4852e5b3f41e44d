using Distributed.Protocol;

namespace Distributed.Runtime;

/// <summary>Takes what comes over an <see cref="IControlLink"/>, one call at a time.</summary>
public interface IControlHandler
{
    /// <summary>The peer was heard: any message, heartbeats included.</summary>
    void Heard(IControlLink link)
    {
    }

    /// <summary>A message came, in order. It is the handler's; a <see cref="Train"/> or <see cref="Credit"/> that it is
    /// done with it gives back with <see cref="IControlLink.Return"/>. Heartbeats don't come here.</summary>
    void Received(IControlLink link, Message message);

    /// <summary>The link ended: called exactly once, and last.</summary>
    void Ended(IControlLink link, LinkEnd end);
}

/// <summary>
/// The control connection between a worker and the coordinator: small messages in order, each arriving once or the link
/// ends; heartbeats both ways. Nothing that the peer does blocks a caller or throws.
/// </summary>
public interface IControlLink : IDisposable
{
    /// <summary>The peer's address, for people.</summary>
    string Peer { get; }

    /// <summary>Where the messages come from that are given back.</summary>
    MessagePool Pool { get; }

    /// <summary>Coordinator: lets the worker in. Sends the welcome and starts the link under its fence, lease and
    /// heartbeat.</summary>
    void Accept(Welcome welcome, IControlHandler handler);

    /// <summary>Coordinator: turns the worker away with a sentence, and closes.</summary>
    void Refuse(string reason);

    /// <summary>Worker: starts a link that was welcomed.</summary>
    void Start(Welcome welcome, IControlHandler handler);

    /// <summary>
    /// Sends a message, in order, without waiting for the peer. The message is written before this returns, so the
    /// caller may reuse it. False: the link has ended.
    /// </summary>
    bool Send(Message message);

    /// <summary>Gives a received <see cref="Train"/> or <see cref="Credit"/> back for reuse; others are
    /// ignored.</summary>
    void Return(Message message);

    /// <summary>Sends what was queued, then closes: the peer gets it all before it sees the end. Returns at once; the
    /// link ends when the peer closes too, or at the deadline.</summary>
    /// <param name="milliseconds">The deadline.</param>
    void Finish(int milliseconds = 1_000);
}
