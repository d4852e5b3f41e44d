using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;

namespace Distributed.Runtime;

/// <summary>The names and addresses that a certificate is for: its subject alternative names.</summary>
internal sealed class HostNames
{
    private readonly IPAddress[] _addresses;
    private readonly string[] _names;

    private HostNames(IPAddress[] addresses, string[] names) => (_addresses, _names) = (addresses, names);

    /// <summary>All of them, names first.</summary>
    public IReadOnlyList<string> All => [.. _names, .. _addresses.Select(address => address.ToString())];

    /// <summary>A certificate's.</summary>
    public static HostNames Of(X509Certificate2 certificate)
    {
        X509SubjectAlternativeNameExtension? extension =
            certificate.Extensions.OfType<X509SubjectAlternativeNameExtension>().FirstOrDefault();
        return new HostNames([.. extension?.EnumerateIPAddresses() ?? []], [.. extension?.EnumerateDnsNames() ?? []]);
    }

    /// <summary>Whether an address is one of them, or one of the names resolves to it.</summary>
    public bool Include(IPAddress address)
    {
        IPAddress caller = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        return _addresses.Contains(caller) || _names.Any(name => Resolve(name).Contains(caller));
    }

    /// <summary>Whether a name or an address is one of them.</summary>
    public bool Include(string host) => IPAddress.TryParse(host, out IPAddress? address)
        ? Include(address) : _names.Contains(host, StringComparer.OrdinalIgnoreCase);

    private static IPAddress[] Resolve(string name)
    {
        try
        {
            return Dns.GetHostAddresses(name);
        }
        catch (SocketException)
        {
            return [];
        }
    }
}
