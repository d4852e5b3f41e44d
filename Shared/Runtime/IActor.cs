namespace Distributed.Runtime;

/// <summary>An actor: what is posted to it is handled one item at a time, in the order of posting.</summary>
/// <typeparam name="T">What it takes.</typeparam>
public interface IActor<T>
{
    /// <summary>
    /// Posts an item; it may be handled on this thread before the call returns, or on another one later.
    /// </summary>
    void Post(in T item);

    /// <summary>Takes nothing more; what waits is dropped.</summary>
    void Close();
}
