namespace Distributed.Coordinator;

/// <summary>Chooses how a run is shown.</summary>
internal static class RunViews
{
    /// <summary>A live view on a terminal, plain lines elsewhere.</summary>
    public static IRunView Create(CommandContext context) => new PlainView(context.Output, context.Error, context.Time);
}
