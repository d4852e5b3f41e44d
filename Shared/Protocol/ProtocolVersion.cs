namespace Distributed.Protocol;

/// <summary>The protocol's version.</summary>
public static class ProtocolVersion
{
    /// <summary>Rises when an old and a new program can't work together. New messages and new keys don't need it:
    /// unknown keys are skipped.</summary>
    public const int Current = 3;
}
