using Distributed.Roles.Coordinator;

namespace Distributed.Coordinator;

/// <summary>A checkpoint was written, or could not be.</summary>
/// <param name="Step">Steps applied before it.</param>
/// <param name="Seconds">Time from asking for it to its being on disk.</param>
/// <param name="Failure">Why it could not be; null: it is on disk.</param>
internal sealed record CheckpointWritten(long Step, double Seconds, string? Failure) : RunEvent;

/// <summary>A local worker's process was started again.</summary>
/// <param name="Name">The worker's name.</param>
internal sealed record WorkerRestarted(string Name) : RunEvent;
