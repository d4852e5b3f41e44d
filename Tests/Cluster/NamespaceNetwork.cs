using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
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

/// <summary>A test that delays and loses packets, by the traffic control of Linux.</summary>
public sealed class NetemTheoryAttribute : TheoryAttribute
{
    public NetemTheoryAttribute()
    {
        if (!NamespaceNetwork.IsPossible) Skip = NamespaceTheoryAttribute.Reason;
        else if (!NamespaceNetwork.HasNetem) Skip = "delays and loses packets, which takes tc and a kernel with netem";
    }
}

/// <inheritdoc cref="NetemTheoryAttribute"/>
public sealed class TrafficControlTheoryAttribute : TheoryAttribute
{
    public TrafficControlTheoryAttribute()
    {
        if (!NamespaceNetwork.IsPossible) Skip = NamespaceTheoryAttribute.Reason;
        else if (!NamespaceNetwork.HasTokenBucket) Skip = "makes links slow, which takes tc and a kernel with tbf";
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

    private static readonly Lazy<bool> Netem = new(() => MayShape("netem", "delay", "1ms"));

    private static readonly Lazy<bool> TokenBucket =
        new(() => MayShape("tbf", "rate", "1mbit", "burst", "16kb", "latency", "10ms"));

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

    /// <summary>Whether packets can be delayed and lost at random.</summary>
    public static bool HasNetem => Netem.Value;

    /// <summary>Whether links can be made slow, so that packets wait.</summary>
    public static bool HasTokenBucket => TokenBucket.Value;

    /// <summary>A host's address.</summary>
    public static string Address(int host) => $"10.97.0.{host}";

    /// <summary>How a program is started on a host: <c>ip</c> with these arguments before its own.</summary>
    public string[] On(int host, string program) => ["netns", "exec", Name(Host(host)), program];

    /// <summary>Takes a host's link down: nothing comes or goes any more, and nobody is told.</summary>
    public void Cut(int host) => Ip("-n", Name("hub"), "link", "set", Host(host), "down");

    /// <summary>Takes it up again.</summary>
    public void Heal(int host) => Ip("-n", Name("hub"), "link", "set", Host(host), "up");

    /// <summary>Shapes what comes to a host and goes from it: a queueing discipline of <c>tc</c> and its options.
    /// </summary>
    public void Shape(int host, params string[] discipline)
    {
        Assert.True(Tc(Name("hub"), ["qdisc", "replace", "dev", Host(host), "root", .. discipline]) is not null);
        Assert.True(Tc(Name(Host(host)), ["qdisc", "replace", "dev", "eth0", "root", .. discipline]) is not null);
    }

    /// <summary>Shapes it no more; returns how many packets were lost, or had to wait because the link is slow.
    /// </summary>
    public int Unshape(int host) => Unshape(Name("hub"), Host(host)) + Unshape(Name(Host(host)), "eth0");

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

    private static int Unshape(string name, string device)
    {
        string? told = Tc(name, ["-s", "qdisc", "show", "dev", device]);
        Match counted = Regex.Match(told ?? "", @"dropped (\d+), overlimits (\d+)");
        Assert.True(counted.Success, $"tc said: {told}");
        Assert.True(Tc(name, ["qdisc", "delete", "dev", device, "root"]) is not null);
        return counted.Groups.Values.Skip(1).Sum(each => int.Parse(each.ValueSpan, CultureInfo.InvariantCulture));
    }

    private static bool MayShape(params string[] discipline)
    {
        string name = $"dt{Environment.ProcessId}-tc";
        if (!OperatingSystem.IsLinux() || !TryIp("netns", "add", name)) return false;
        bool may = Tc(name, ["qdisc", "add", "dev", "lo", "root", .. discipline]) is not null;
        return TryIp("netns", "delete", name) && may;
    }

    private static string? Tc(string name, string[] arguments) =>
        TryRun("ip", ["netns", "exec", name, "tc", .. arguments]);

    private static void Ip(params string[] arguments) =>
        Assert.True(TryIp(arguments), $"ip {string.Join(' ', arguments)} failed.");

    private static bool TryIp(params string[] arguments) => TryRun("ip", arguments) is not null;

    /// <summary>What it printed; null: it failed, or is not there.</summary>
    private static string? TryRun(string program, string[] arguments)
    {
        try
        {
            ProcessStartInfo start = new(program, arguments)
            {
                RedirectStandardError = true,
                RedirectStandardOutput = true,
            };
            using Process process = Process.Start(start)!;
            string printed = process.StandardOutput.ReadToEnd();
            process.StandardError.ReadToEnd();
            process.WaitForExit();
            return process.ExitCode == 0 ? printed : null;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return null;
        }
    }
}
