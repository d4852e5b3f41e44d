using Distributed.Execution;
using Distributed.Protocol;

namespace Distributed.Runtime;

/// <summary>Takes what comes over a worker's data link, on its receiving thread or one that watches it.</summary>
public interface IParameterReceiver
{
    /// <summary>Parameters are there, in a block that is the link's and that nobody changes until
    /// <see cref="IWorkerLink.UseArrived"/> was called for later ones. No more come before it was called for these.
    /// </summary>
    void Arrived(in ParametersHeader header, IBlock parameters);

    /// <summary>A message came that concerns the tensors. It is the receiver's, to give back to the control link's
    /// pool. Links over a socket bring none.</summary>
    void Received(Message message);

    /// <summary>The link ended: called exactly once, and last.</summary>
    void Ended(LinkEnd end);
}

/// <summary>
/// A worker's data link: parameters come, gradients go, in blocks that the link lends so that they need not be copied
/// where the coordinator is on the same host. Nothing is allocated on the managed heap per tensor.
/// <see cref="RentGradient"/> and <see cref="Push"/> belong to one thread of control.
/// </summary>
public interface IWorkerLink : IDisposable
{
    /// <summary>Begins to carry tensors.</summary>
    void Start(IParameterReceiver receiver);

    /// <summary>The parameters that arrived last are in use from now on: those before may be overwritten, and the next
    /// may come.</summary>
    void UseArrived();

    /// <summary>
    /// Says that this thread, which has nothing else to do, will look for what comes by calling <see cref="Receive"/>
    /// again and again, so that nobody need be woken for it. False: another one does, or it would be of no use. Else
    /// <see cref="EndWatch"/> must follow soon.
    /// </summary>
    bool BeginWatch();

    /// <summary>Takes what has come, on this thread.</summary>
    void Receive();

    /// <summary>This thread looks no more; takes what has come until then.</summary>
    void EndWatch();

    /// <summary>A block to compute a gradient into. It holds anything.</summary>
    IBlock RentGradient();

    /// <summary>Pushes a gradient in a rented block, which is the link's again. False: the link has ended.</summary>
    bool Push(in GradientHeader header, IBlock gradient);

    /// <summary>Waits for the threads of a link that was closed, and frees its blocks: nobody may touch them any more.
    /// A process that is about to end need not.</summary>
    void Free();
}
