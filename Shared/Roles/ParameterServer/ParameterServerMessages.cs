using Distributed.Protocol;

namespace Distributed.Roles.ParameterServer;

/// <summary>Something that happened, told to the parameter server role.</summary>
public abstract record ParameterServerInput;

/// <summary>Collect a step.</summary>
/// <param name="Step">The step.</param>
/// <param name="Samples">Samples of its mini-batch.</param>
/// <param name="MicroBatch">Samples of a micro-batch.</param>
/// <param name="Reductions">How often the learning rate was reduced for want of improvement.</param>
public sealed record CollectStep(
    StepNumber Step, int Samples, int MicroBatch, int Reductions = 0) : ParameterServerInput;

/// <summary>Give a step up, unless it was applied already.</summary>
/// <param name="Step">The step.</param>
public sealed record GiveUpStep(StepNumber Step) : ParameterServerInput;

/// <summary>A node arrived whole in a buffer.</summary>
/// <param name="Worker">Who sent it.</param>
/// <param name="Header">What it is.</param>
/// <param name="Buffer">Where its gradient is; the role must hand it on or release it.</param>
public sealed record NodeArrived(WorkerId Worker, GradientHeader Header, BufferId Buffer) : ParameterServerInput;

/// <summary>Send a worker the newest publication, and all later ones.</summary>
/// <param name="Worker">The worker.</param>
public sealed record Subscribe(WorkerId Worker) : ParameterServerInput;

/// <summary>Send a worker nothing more.</summary>
/// <param name="Worker">The worker.</param>
public sealed record Unsubscribe(WorkerId Worker) : ParameterServerInput;

/// <summary>Publish other parameters than those of the last publication.</summary>
/// <param name="Choice">Which.</param>
public sealed record PublishChoice(ParameterChoice Choice) : ParameterServerInput;

/// <summary>Something that the parameter server role wants done, in the order given.</summary>
public abstract record ParameterServerEffect;

/// <summary>destination += source; then the source is free.</summary>
/// <param name="Destination">Left operand and result.</param>
/// <param name="Source">Right operand.</param>
public sealed record AddGradient(BufferId Destination, BufferId Source) : ParameterServerEffect;

/// <summary>A buffer is free.</summary>
/// <param name="Buffer">The buffer.</param>
public sealed record ReleaseGradient(BufferId Buffer) : ParameterServerEffect;

/// <summary>Step the optimizer with a gradient sum over samples; then the buffer is free.</summary>
/// <param name="Step">The step.</param>
/// <param name="Samples">What the sum is divided by.</param>
/// <param name="Gradient">The sum.</param>
/// <param name="Reductions">How often the learning rate was reduced for want of improvement.</param>
public sealed record StepOptimizer(
    StepNumber Step, int Samples, BufferId Gradient, int Reductions = 0) : ParameterServerEffect;

/// <summary>Make the parameters, as they are now, a publication.</summary>
/// <param name="Version">Its version.</param>
/// <param name="Choice">Which parameters.</param>
public sealed record PrepareParameters(ParameterVersion Version, ParameterChoice Choice) : ParameterServerEffect;

/// <summary>Send the newest publication to a worker.</summary>
/// <param name="Worker">The worker.</param>
/// <param name="Version">Its version.</param>
public sealed record SendParameters(WorkerId Worker, ParameterVersion Version) : ParameterServerEffect;

/// <summary>Find the first layer whose values are not finite, tell the coordinator, and free the buffer.</summary>
/// <param name="Step">The step.</param>
/// <param name="Gradient">The step's gradient sum.</param>
public sealed record DiagnoseNotFinite(StepNumber Step, BufferId Gradient) : ParameterServerEffect;

/// <summary>End the links of a worker that sent what it must not.</summary>
/// <param name="Worker">The worker.</param>
/// <param name="Reason">What was wrong.</param>
public sealed record EndLink(WorkerId Worker, string Reason) : ParameterServerEffect;

/// <summary>Tell the coordinator role something.</summary>
/// <param name="Input">What.</param>
public sealed record TellCoordinator(Coordinator.CoordinatorInput Input) : ParameterServerEffect;
