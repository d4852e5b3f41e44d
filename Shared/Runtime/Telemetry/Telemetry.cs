using System.Runtime.CompilerServices;

namespace Distributed.Runtime;

/// <summary>
/// Metrics and traces for OpenTelemetry collectors. Nothing of OpenTelemetry is loaded unless someone asks for it by
/// the standard environment variable or an option.
/// </summary>
public static class Telemetry
{
    /// <summary>The name of the meter and of the activity source.</summary>
    public const string SourceName = "Distributed";

    /// <summary>The standard environment variable with the collector's address.</summary>
    public const string EndpointVariable = "OTEL_EXPORTER_OTLP_ENDPOINT";

    /// <summary>The standard environment variable with what is said of a process besides its name.</summary>
    public const string ResourceVariable = "OTEL_RESOURCE_ATTRIBUTES";

    /// <summary>Bounds of a histogram's buckets, in seconds: from a small model's step to a large one's.</summary>
    public static IReadOnlyList<double> SecondsBuckets { get; } =
        [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 60];

    /// <summary>
    /// The collector that is asked for: an option, or else the environment. It stands in this process's environment
    /// afterwards, so that processes that it starts export there too.
    /// </summary>
    /// <param name="option">The value of <c>--telemetry</c>; null: it was not given.</param>
    /// <returns>Whether there is one.</returns>
    /// <exception cref="LinkException">It is no address.</exception>
    public static bool IsAsked(string? option)
    {
        string? given = option ?? Environment.GetEnvironmentVariable(EndpointVariable);
        if (string.IsNullOrEmpty(given)) return false;
        if (!Uri.TryCreate(given, UriKind.Absolute, out Uri? address) || address.Scheme is not ("http" or "https"))
        {
            throw new LinkException($"{(option is null ? EndpointVariable : "--telemetry")}: expected a URL such as "
                + $"http://localhost:4317, got '{given}'.");
        }

        Environment.SetEnvironmentVariable(EndpointVariable, given);
        return true;
    }

    /// <summary>Adds to what is said of this process and of those that it starts.</summary>
    public static void Describe(string attribute, string value)
    {
        string? before = Environment.GetEnvironmentVariable(ResourceVariable);
        string added = $"{attribute}={Uri.EscapeDataString(value)}";
        Environment.SetEnvironmentVariable(
            ResourceVariable, string.IsNullOrEmpty(before) ? added : $"{before},{added}");
    }

    /// <summary>Exports from now on. Disposing sends what is left, within seconds; any thread may, and a second one
    /// waits for the first. What the standard environment variables say is followed.</summary>
    /// <param name="service">The service's name.</param>
    /// <param name="say">Told, with a sentence, when the last of it could not be sent.</param>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static IDisposable Export(string service, Action<string> say) => new OtlpExport(service, say);
}
