namespace Distributed.Protocol;

/// <summary>What a thread spent its time on. Numbers are never reused.</summary>
public enum TraceActivity
{
    /// <summary>No activity has the number 0.</summary>
    None = 0,
    /// <summary>The gradient of a node of micro-batches was computed.</summary>
    Compute = 1,
    /// <summary>New parameters were packed and transformed for the kernels.</summary>
    Prepare = 2,
    /// <summary>A micro-batch was evaluated.</summary>
    Evaluate = 3,
    /// <summary>Two gradients were added.</summary>
    Add = 4,
    /// <summary>A node's gradient was handed to the link.</summary>
    Push = 5,
    /// <summary>A micro-batch was decoded and augmented.</summary>
    Load = 6,
    /// <summary>The optimizer stepped.</summary>
    Optimize = 7,
    /// <summary>Parameters were handed to the links.</summary>
    Publish = 8,
    /// <summary>The validated parameters were copied as the best.</summary>
    KeepBest = 9,
    /// <summary>Parameters and optimizer state were copied for a checkpoint.</summary>
    Snapshot = 10,
}
