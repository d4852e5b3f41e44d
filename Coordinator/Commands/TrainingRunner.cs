using Microsoft.Extensions.Logging;

namespace Distributed.Coordinator;

/// <summary>Carries out <c>train</c> and returns the exit code; see <see cref="TrainingRun.RunAsync"/>.</summary>
/// <param name="options">What to do.</param>
/// <param name="view">What the user sees.</param>
/// <param name="loggers">Where log messages go.</param>
/// <param name="stop">Asks for a stop that can be resumed.</param>
internal delegate Task<int> TrainingRunner(
    TrainOptions options, IRunView view, ILoggerFactory loggers, CancellationToken stop);
