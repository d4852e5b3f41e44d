using System.Diagnostics;
using Xunit;

namespace Distributed.Cluster;

/// <summary>A test with hosts of its own, which takes network namespaces.</summary>
public sealed class NamespaceTheoryAttribute : TheoryAttribute
{
    internal const string Reason = "makes network namespaces, which takes Linux, iproute2 and root";

    public NamespaceTheoryAttribute()
    {
        if (!NamespaceNetwork.IsPossible) Skip = Reason;
    }
}

/// <inheritdoc cref="NamespaceTheoryAttribute"/>
public sealed class NamespaceFactAttribute : FactAttribute
{
    public NamespaceFactAttribute()
    {
        if (!NamespaceNetwork.IsPossible) Skip = NamespaceTheoryAttribute.Reason;
    }
}

/// <summary>Hosts that are network namespaces on one bridge, 10.97.0.0/24, and whose links can be cut.</summary>
internal sealed class NamespaceNetwork : IDisposable
{
    private static readonly Lazy<bool> Possible = new(() =>
    {
        string name = $"dt{Environment.ProcessId}";
        if (!OperatingSystem.IsLinux() || !TryIp("netns", "add", name)) return false;
        bool bridged = TryIp("-n", name, "link", "add", "name", "bridge0", "type", "bridge");
        return TryIp("netns", "delete", name) && bridged;
    });

    private readonly string _prefix = $"dt{Environment.ProcessId}-";
    private readonly List<string> _namespaces = [];

    public NamespaceNetwork(int hosts)
    {
        Add("hub");
        Ip("-n", Name("hub"), "link", "add", "name", "bridge0", "type", "bridge");
        Ip("-n", Name("hub"), "link", "set", "bridge0", "up");
        for (int host = 1; host <= hosts; host++)
        {
            Add(Host(host));
            Ip(
                "-n", Name("hub"), "link", "add", "name", Host(host), "type", "veth", "peer", "name", "eth0", "netns",
                Name(Host(host)));
            Ip("-n", Name("hub"), "link", "set", Host(host), "master", "bridge0");
            Ip("-n", Name("hub"), "link", "set", Host(host), "up");
            Ip("-n", Name(Host(host)), "address", "add", $"{Address(host)}/24", "dev", "eth0");
            Ip("-n", Name(Host(host)), "link", "set", "eth0", "up");
            Ip("-n", Name(Host(host)), "link", "set", "lo", "up");
        }
    }

    public static bool IsPossible => Possible.Value;

    /// <summary>A host's address.</summary>
    public static string Address(int host) => $"10.97.0.{host}";

    /// <summary>How a program is started on a host: <c>ip</c> with these arguments before its own.</summary>
    public string[] On(int host, string program) => ["netns", "exec", Name(Host(host)), program];

    /// <summary>Takes a host's link down: nothing comes or goes any more, and nobody is told.</summary>
    public void Cut(int host) => Ip("-n", Name("hub"), "link", "set", Host(host), "down");

    /// <summary>Takes it up again.</summary>
    public void Heal(int host) => Ip("-n", Name("hub"), "link", "set", Host(host), "up");

    public void Dispose()
    {
        foreach (string name in _namespaces) TryIp("netns", "delete", name);
    }

    private static string Host(int host) => $"host{host}";

    private string Name(string part) => _prefix + part;

    private void Add(string part)
    {
        Ip("netns", "add", Name(part));
        _namespaces.Add(Name(part));
    }

    private static void Ip(params string[] arguments) =>
        Assert.True(TryIp(arguments), $"ip {string.Join(' ', arguments)} failed.");

    private static bool TryIp(params string[] arguments)
    {
        try
        {
            ProcessStartInfo start = new("ip", arguments) { RedirectStandardError = true };
            using Process process = Process.Start(start)!;
            process.StandardError.ReadToEnd();
            process.WaitForExit();
            return process.ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false;
        }
    }
}
