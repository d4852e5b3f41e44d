using System.Net;

namespace Distributed.Runtime;

/// <summary>How the links of a cluster are kept from others, beside the run's token.</summary>
public sealed class LinkSecurity
{
    /// <summary>What has to be said for <see cref="Insecure"/>.</summary>
    public const string InsecureWords = "anyone on this network may read, change and join the training";

    private readonly HostCertificate? _certificate;
    private readonly string? _server;
    private readonly bool _leavesMachine;

    private LinkSecurity(HostCertificate? certificate, string? server, bool leavesMachine)
    {
        _certificate = certificate;
        _server = server;
        _leavesMachine = leavesMachine;
    }

    /// <summary>Nothing: links must not leave this machine.</summary>
    public static LinkSecurity LoopbackOnly { get; } = new(null, null, leavesMachine: false);

    /// <summary>Nothing, and links may leave it all the same.</summary>
    public static LinkSecurity Insecure { get; } = new(null, null, leavesMachine: true);

    /// <summary>Mutual TLS, for who listens.</summary>
    public static LinkSecurity Listening(HostCertificate certificate) => new(certificate, null, leavesMachine: true);

    /// <summary>Mutual TLS, for who calls a host by a name or address.</summary>
    public static LinkSecurity Calling(HostCertificate certificate, string host) =>
        new(certificate, host, leavesMachine: true);

    /// <summary>What a program's options ask for.</summary>
    /// <param name="folder">The folder of certificates; null: none.</param>
    /// <param name="name">This host's name in it; null: the only one with a key.</param>
    /// <param name="insecure">The words; null: they were not said.</param>
    /// <param name="host">The host that is called; null: this end listens.</param>
    /// <exception cref="LinkException">A mistake in them, or in a certificate.</exception>
    public static LinkSecurity Chosen(string? folder, string? name, string? insecure, string? host)
    {
        if (folder is not null && insecure is not null)
            throw new LinkException("--certificates and --insecure exclude each other; give one of them.");
        if (insecure is not null && insecure != InsecureWords)
            throw new LinkException($"--insecure takes the words \"{InsecureWords}\".");
        if (folder is null)
            return insecure is null ? LoopbackOnly : Insecure;
        HostCertificate certificate = HostCertificate.Load(folder, name);
        return host is null ? Listening(certificate) : Calling(certificate, host);
    }

    /// <summary>The same for who calls another host.</summary>
    public LinkSecurity Toward(string host) =>
        _certificate is null ? this : new LinkSecurity(_certificate, host, _leavesMachine);

    /// <summary>What this host shows, and whom it trusts; null: links are not encrypted.</summary>
    internal HostCertificate? Certificate => _certificate;

    /// <summary>Whether links are encrypted.</summary>
    public bool IsTls => _certificate is not null;

    /// <summary>Throws where an address may not be used.</summary>
    /// <exception cref="LinkException">It is not this machine's own, and nothing keeps others out.</exception>
    internal void Require(IPEndPoint endPoint)
    {
        if (_leavesMachine || IPAddress.IsLoopback(endPoint.Address))
            return;
        throw new LinkException(
            $"{endPoint.Address} is not a loopback address, and links leave this machine only with TLS: give "
            + "--certificates FOLDER ('coordinator certificates new HOST' makes them), or --insecure with the words "
            + $"\"{InsecureWords}\".");
    }

    /// <summary>Encrypts a connection that this end made or took; false: it has ended, with the reason in it.</summary>
    internal bool Secure(FrameSocket socket, int milliseconds)
    {
        if (_certificate is null)
            return true;
        return _server is null
            ? socket.Secure(_certificate.Answer, milliseconds)
            : socket.Secure(plain => _certificate.Call(plain, _server), milliseconds);
    }
}
