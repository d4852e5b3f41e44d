using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;

namespace Distributed.Runtime;

/// <summary>
/// What a host shows on its links and whom it trusts: its certificate and the cluster's authority. Both ends of a link
/// show theirs over TLS 1.3 (RFC 8446) and each checks the other's: signed by the authority, valid today, and for the
/// host at the other end.
/// </summary>
public sealed class HostCertificate : IDisposable
{
    private readonly X509Certificate2 _certificate;
    private readonly X509Certificate2 _authority;
    private readonly SslStreamCertificateContext _shown;
    private readonly string _folder;

    private HostCertificate(string folder, X509Certificate2 certificate, X509Certificate2 authority)
    {
        _folder = folder;
        _certificate = certificate;
        _authority = authority;
        _shown = SslStreamCertificateContext.Create(certificate, additionalCertificates: null, offline: true);
    }

    /// <summary>Loads <c>ca.crt</c> and a host's certificate with its key from a folder.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="name">The host's name among the files; null: the only host's with a key there.</param>
    /// <exception cref="LinkException">A file is missing or broken, or it isn't clear which host is meant.</exception>
    public static HostCertificate Load(string folder, string? name = null)
    {
        X509Certificate2 authority = PemFiles.Load(Path.Combine(folder, CertificateAuthority.CertificateFile));
        name ??= OnlyName(folder);
        X509Certificate2 certificate = PemFiles.Load(
            Path.Combine(folder, name + PemFiles.CertificateEnding), Path.Combine(folder, name + PemFiles.KeyEnding));
        return new HostCertificate(folder, certificate, authority);
    }

    /// <summary>The certificates of the hosts in a folder, with their names and ends, by file name.</summary>
    /// <exception cref="LinkException">The folder or a file can't be read.</exception>
    public static IReadOnlyList<CertificateFile> List(string folder)
    {
        try
        {
            return
            [
                .. Directory.EnumerateFiles(folder, $"*{PemFiles.CertificateEnding}").Order(StringComparer.Ordinal)
                    .Select(Read),
            ];
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new LinkException($"{folder}: the folder can't be read ({error.Message.TrimEnd('.')}).");
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _certificate.Dispose();
        _authority.Dispose();
    }

    /// <summary>The certificate that is shown, with its key.</summary>
    internal X509Certificate2 Shown => _certificate;

    /// <summary>
    /// Why a peer of which only this is known is not to be trusted, as server and as client; null: it is.
    /// </summary>
    /// <param name="shown">What it showed.</param>
    /// <param name="peer">Its name or address, with or without a port.</param>
    internal string? Objection(X509Certificate? shown, string peer)
    {
        string host = IPEndPoint.TryParse(peer, out IPEndPoint? endPoint) ? endPoint.Address.ToString()
            : peer.LastIndexOf(':') is var colon and > 0 ? peer[..colon] : peer;
        return Objection(shown, names => names.Include(host), host, isServer: true)
            ?? Objection(shown, _ => true, host, isServer: false);
    }

    /// <summary>Becomes the client of a connection to a host, which must show a certificate for that name.</summary>
    /// <exception cref="AuthenticationException">With a sentence: one of the two does not trust the other.</exception>
    /// <exception cref="IOException">The connection ended.</exception>
    internal SslStream Call(Socket socket, string host)
    {
        string? objection = null;
        SslClientAuthenticationOptions options = new()
        {
            TargetHost = host,
            ClientCertificateContext = _shown,
            EnabledSslProtocols = SslProtocols.Tls13,
            AllowTlsResume = false, // else a resumed client can't tell that both ends were checked
            RemoteCertificateValidationCallback = (_, shown, _, errors) =>
            {
                bool isNamed = (errors & SslPolicyErrors.RemoteCertificateNameMismatch) == 0;
                return (objection = Objection(shown, _ => isNamed, host, isServer: true)) is null;
            },
        };
        return Authenticate(socket, stream => stream.AuthenticateAsClient(options), () => objection);
    }

    /// <summary>Becomes the server of a connection, whose caller must show a certificate for its address.</summary>
    /// <exception cref="AuthenticationException">With a sentence: one of the two does not trust the other.</exception>
    /// <exception cref="IOException">The connection ended.</exception>
    internal SslStream Answer(Socket socket)
    {
        string? objection = null;
        IPAddress? caller = (socket.RemoteEndPoint as IPEndPoint)?.Address;
        SslServerAuthenticationOptions options = new()
        {
            ServerCertificateContext = _shown,
            ClientCertificateRequired = true,
            EnabledSslProtocols = SslProtocols.Tls13,
            AllowTlsResume = false,
            RemoteCertificateValidationCallback = (_, shown, _, _) =>
            {
                bool IsNamed(HostNames names) => caller is not null && names.Include(caller);
                return (objection = Objection(shown, IsNamed, $"{caller}", isServer: false)) is null;
            },
        };
        return Authenticate(socket, stream => stream.AuthenticateAsServer(options), () => objection);
    }

    private static SslStream Authenticate(Socket socket, Action<SslStream> handshake, Func<string?> objection)
    {
        SslStream stream = new(new NetworkStream(socket, ownsSocket: false));
        try
        {
            handshake(stream);
            return stream;
        }
        catch (AuthenticationException)
        {
            stream.Dispose();
            throw new AuthenticationException(objection() ?? "it does not speak TLS 1.3, or trusts another authority");
        }
        catch
        {
            stream.Dispose();
            throw;
        }
    }

    private static CertificateFile Read(string path)
    {
        using X509Certificate2 certificate = PemFiles.Load(path);
        return new CertificateFile(
            Path.GetFileNameWithoutExtension(path), HostNames.Of(certificate).All, certificate.NotAfter,
            Path.GetFileName(path) == CertificateAuthority.CertificateFile);
    }

    private static string OnlyName(string folder)
    {
        string[] names =
        [
            .. List(folder).Where(file => !file.IsAuthority
                && File.Exists(Path.Combine(folder, file.Name + PemFiles.KeyEnding))).Select(file => file.Name),
        ];
        return names switch
        {
            [string name] => name,
            [] => throw new LinkException($"{folder}: no host's certificate with its key is there; "
                + "'coordinator certificates new HOST' makes one."),
            _ => throw new LinkException($"{folder}: certificates of several hosts are there "
                + $"({string.Join(", ", names)}); say which is this one's with --certificate NAME."),
        };
    }

    /// <summary>Why what the peer showed is not to be trusted; null: it is.</summary>
    private string? Objection(X509Certificate? shown, Func<HostNames, bool> isNamed, string host, bool isServer)
    {
        if (shown is not X509Certificate2 certificate)
            return "it showed no certificate";
        DateTime now = DateTime.Now;
        if (now < certificate.NotBefore || now > certificate.NotAfter)
        {
            return $"its certificate is valid from {certificate.NotBefore:yyyy-MM-dd} to "
                + $"{certificate.NotAfter:yyyy-MM-dd} only; 'coordinator certificates renew' makes a new one";
        }

        if (!IsSigned(certificate, isServer))
            return $"its certificate is not signed by {Path.Combine(_folder, CertificateAuthority.CertificateFile)}";

        // Names of a certificate that nobody of ours signed are not looked up.
        HostNames names = HostNames.Of(certificate);
        return isNamed(names) ? null : $"its certificate is for {string.Join(", ", names.All)}, not for {host}";
    }

    // By the cluster's authority alone: whom the system trusts is no matter here, and nobody publishes revocations.
    private bool IsSigned(X509Certificate2 certificate, bool isServer)
    {
        using X509Chain chain = new();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.Add(_authority);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.DisableCertificateDownloads = true;
        chain.ChainPolicy.ApplicationPolicy.Add(CertificateAuthority.Purpose(isServer));
        return chain.Build(certificate);
    }
}

/// <summary>A certificate in a folder.</summary>
/// <param name="Name">Its file's name without the ending.</param>
/// <param name="Hosts">The names and addresses it is for.</param>
/// <param name="Expires">When it ends.</param>
/// <param name="IsAuthority">Whether it is the authority's own.</param>
public sealed record CertificateFile(
    string Name, IReadOnlyList<string> Hosts, DateTimeOffset Expires, bool IsAuthority);
