using Microsoft.Extensions.Logging;

namespace Distributed.Coordinator;

/// <summary>Carries out <c>train</c>.</summary>
internal static class TrainingRun
{
    /// <summary>Trains until done or stopped; returns the exit code.</summary>
    public static Task<int> RunAsync(
        TrainOptions options, IRunView view, ILoggerFactory loggers, CancellationToken stop) =>
        throw new NotImplementedException();
}
