using Distributed.Protocol;

namespace Distributed.Runtime;

/// <summary>Takes the tensors that come over a data link, on the link's receiving thread.</summary>
/// <typeparam name="TIn">What stands before them.</typeparam>
public interface ITensorReceiver<TIn> where TIn : struct, ITensorHeader<TIn>
{
    /// <summary>
    /// Where the tensor that follows the header goes: a span of exactly the length of what comes, which stays valid
    /// until <see cref="Received"/> or <see cref="Ended"/>. An empty span: it is not wanted, and is read and dropped.
    /// Whoever needs time to free a block waits here, and the peer with it.
    /// </summary>
    Span<float> Acquire(in TIn header);

    /// <summary>The tensor is in the acquired span, whole and with the right checksum. Not called after an empty span.
    /// </summary>
    void Received(in TIn header);

    /// <summary>The link ended: called exactly once, and last, when no lent tensor is in use any more. A block acquired
    /// but not received is free.</summary>
    void Ended(LinkEnd end);
}

/// <summary>Lends the tensors that <see cref="IDataLink{TOut}.Post"/> sends, on the link's sending thread.</summary>
/// <typeparam name="TOut">What stands before them.</typeparam>
public interface ITensorSource<TOut> where TOut : struct, ITensorHeader<TOut>
{
    /// <summary>The tensor to send, of exactly the length of what goes; it must not change until <see cref="Sent"/>.
    /// An empty span: no longer wanted, nothing is sent.</summary>
    ReadOnlySpan<float> Lend(in TOut header);

    /// <summary>The link is done with a lent tensor, sent or not. Not called after an empty span.</summary>
    void Sent(in TOut header);
}

/// <summary>
/// A data connection over a socket: tensors of one length each way, straight from and into the memory they live in.
/// Nothing is allocated on the managed heap per tensor.
/// </summary>
/// <typeparam name="TOut">What stands before the tensors that this side sends.</typeparam>
public interface IDataLink<TOut> : IDisposable where TOut : struct, ITensorHeader<TOut>
{
    /// <summary>The peer's address, for people.</summary>
    string Peer { get; }

    /// <summary>Sends a tensor on the caller's thread, which waits until the last byte is on its way; the tensor is
    /// then free. False: the link has ended.</summary>
    /// <param name="header">What stands before it.</param>
    /// <param name="payload">Exactly the length of what goes.</param>
    bool Send(in TOut header, ReadOnlySpan<float> payload);

    /// <summary>Has a tensor sent by the link's own thread, which borrows it from the <see cref="ITensorSource{TOut}"/>
    /// in turn. Returns at once. False: the link has ended, or its peer is so far behind that it now has; a tensor that
    /// is lent at that moment still comes back by <see cref="ITensorSource{TOut}.Sent"/>.</summary>
    bool Post(in TOut header);
}
