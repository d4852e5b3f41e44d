using System.Net;
using System.Net.Sockets;

namespace Distributed.Runtime;

/// <summary>HOST:PORT as it was given, and what that resolves to.</summary>
/// <param name="Host">The name or address, which a certificate must be for.</param>
/// <param name="EndPoint">The address and port.</param>
public sealed record HostAddress(string Host, IPEndPoint EndPoint)
{
    /// <summary>Reads HOST:PORT, or [ADDRESS]:PORT; resolves a name.</summary>
    /// <param name="text">What was given.</param>
    /// <param name="option">By which option, for the sentence on a mistake.</param>
    /// <exception cref="LinkException">It is no such thing, or no host has that name.</exception>
    public static HostAddress Parse(string text, string option)
    {
        (string host, int port) = Split(text, option);
        return Resolve(host) is { } address
            ? new HostAddress(host, new IPEndPoint(address, port))
            : throw new LinkException($"{option}: no host is called '{host}'.");
    }

    /// <summary>Reads HOST:PORT, or [ADDRESS]:PORT, without looking the host up.</summary>
    /// <exception cref="LinkException">It is no such thing.</exception>
    public static (string Host, int Port) Split(string text, string option)
    {
        int colon = text.LastIndexOf(':');
        return colon >= 1 && ushort.TryParse(text.AsSpan(colon + 1), out ushort port)
            ? (text[..colon].Trim('[', ']'), port)
            : throw new LinkException($"{option}: expected HOST:PORT with a port from 0 to 65535, got '{text}'.");
    }

    /// <summary>As HOST:PORT.</summary>
    public override string ToString() =>
        Host.Contains(':') ? $"[{Host}]:{EndPoint.Port}" : $"{Host}:{EndPoint.Port}";

    private static IPAddress? Resolve(string host)
    {
        if (IPAddress.TryParse(host, out IPAddress? address)) return address;
        try
        {
            // A listener on 127.0.0.1 is not found at ::1.
            return Dns.GetHostAddresses(host)
                .OrderBy(each => each.AddressFamily == AddressFamily.InterNetwork ? 0 : 1).FirstOrDefault();
        }
        catch (Exception error) when (error is SocketException or ArgumentException)
        {
            return null;
        }
    }
}
