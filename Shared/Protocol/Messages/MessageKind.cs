namespace Distributed.Protocol;

/// <summary>A message's number on the wire. Numbers and keys are never reused; CONTRACTS.md lists them all.</summary>
public enum MessageKind : ushort
{
    /// <summary>No message has the number 0.</summary>
    None = 0,
    /// <summary><see cref="Protocol.Hello"/></summary>
    Hello = 1,
    /// <summary><see cref="Protocol.Welcome"/></summary>
    Welcome = 2,
    /// <summary><see cref="Protocol.Refused"/></summary>
    Refused = 3,
    /// <summary><see cref="Protocol.Ready"/></summary>
    Ready = 4,
    /// <summary><see cref="Protocol.Heartbeat"/></summary>
    Heartbeat = 5,
    /// <summary><see cref="Protocol.Train"/></summary>
    Train = 6,
    /// <summary><see cref="Protocol.Evaluate"/></summary>
    Evaluate = 7,
    /// <summary><see cref="Protocol.EvaluationResult"/></summary>
    EvaluationResult = 8,
    /// <summary><see cref="Protocol.Credit"/></summary>
    Credit = 9,
    /// <summary><see cref="Protocol.Stop"/></summary>
    Stop = 10,
    /// <summary><see cref="Protocol.Leaving"/></summary>
    Leaving = 11,
    /// <summary><see cref="Protocol.DataHello"/></summary>
    DataHello = 12,
    /// <summary><see cref="Protocol.DataReady"/></summary>
    DataReady = 13,
    /// <summary><see cref="Protocol.SharedMemoryOffer"/></summary>
    SharedMemoryOffer = 14,
    /// <summary><see cref="Protocol.SharedMemoryAnswer"/></summary>
    SharedMemoryAnswer = 15,
    /// <summary><see cref="Protocol.Challenge"/></summary>
    Challenge = 16,
    /// <summary><see cref="Protocol.Knock"/></summary>
    Knock = 17,
    /// <summary><see cref="Protocol.TraceSpans"/></summary>
    TraceSpans = 18,
    /// <summary><see cref="GradientHeader"/> and a gradient block.</summary>
    Gradient = 20,
    /// <summary><see cref="ParametersHeader"/> and a parameter block.</summary>
    Parameters = 21,
    /// <summary><see cref="Protocol.SamplesHello"/></summary>
    SamplesHello = 26,
    /// <summary><see cref="Protocol.SamplesPending"/></summary>
    SamplesPending = 27,
    /// <summary><see cref="Protocol.SamplesOffer"/></summary>
    SamplesOffer = 28,
    /// <summary><see cref="SamplesHeader"/> and a piece of the data set.</summary>
    Samples = 29,
}
