namespace Distributed.Runtime;

/// <summary>The engines that this build of the programs has.</summary>
internal static class Engines
{
    /// <summary>The name of the engine for many machines.</summary>
    public const string Akka = "akka";

    /// <summary>The engine for many machines; null: this build has none.</summary>
#if AKKA_ENGINE
    public static IClusterEngine? Cluster => Distributed.Runtime.Akka.AkkaEngine.Instance;
#else
    public static IClusterEngine? Cluster => null;
#endif

    /// <summary>All of them, for people.</summary>
    public static string List => Cluster is { } cluster ? $"local, {cluster.Name} ({cluster.Version})" : "local";

    /// <summary>The sentence where it was asked for and is not there.</summary>
    public const string Missing = "this build has no Akka engine: run Scripts/with-akka, which asks your package feed "
        + "for Akka.NET, and build again; or use --engine local";
}
