using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Distributed.Runtime;

/// <summary>
/// A private certificate authority in a folder: <c>ca.crt</c>, which every host of a cluster trusts, and <c>ca.key</c>,
/// which signs a certificate for each host and need never leave this machine. Certificates follow RFC 5280: P-256 keys,
/// a host's names and addresses as subject alternative names, for servers and clients alike, since both ends of a link
/// show theirs.
/// </summary>
public sealed class CertificateAuthority : IDisposable
{
    /// <summary>The file that every host trusts.</summary>
    public const string CertificateFile = "ca.crt";

    /// <summary>The file with the authority's secret.</summary>
    public const string KeyFile = "ca.key";

    private const string ServerPurpose = "1.3.6.1.5.5.7.3.1";
    private const string ClientPurpose = "1.3.6.1.5.5.7.3.2";
    private const int SerialBytes = 16;

    // Clocks of hosts differ a little.
    private static readonly TimeSpan ClockSlack = TimeSpan.FromHours(1);

    private readonly X509Certificate2 _certificate;

    private CertificateAuthority(X509Certificate2 certificate) => _certificate = certificate;

    /// <summary>When it expires, and with it all that it signed.</summary>
    public DateTimeOffset Expires => _certificate.NotAfter;

    /// <summary>Opens the authority of a folder, or creates it where there is none.</summary>
    /// <param name="folder">Where its files are.</param>
    /// <param name="now">The time.</param>
    /// <param name="days">Days for which a new one is valid.</param>
    /// <param name="isNew">Whether it was created.</param>
    /// <exception cref="LinkException">Its files can't be read or written, or only one of them is there.</exception>
    public static CertificateAuthority OpenOrCreate(string folder, DateTimeOffset now, int days, out bool isNew)
    {
        string certificate = Path.Combine(folder, CertificateFile), key = Path.Combine(folder, KeyFile);
        isNew = !File.Exists(certificate) && !File.Exists(key);
        if (isNew)
            return Create(folder, now, days);
        if (!File.Exists(key))
            throw new LinkException($"{key}: the authority's key is missing, so nothing can be signed in this folder; "
                + "work in the folder where the authority was created, or begin a new one elsewhere.");
        return new CertificateAuthority(PemFiles.Load(certificate, key));
    }

    /// <summary>Signs a certificate for a host and writes it, with its key, as NAME.crt and NAME.key.</summary>
    /// <param name="folder">Where to.</param>
    /// <param name="names">
    /// The host's names and addresses, the first of which names the files. Links check them against the address that
    /// is called and the address that calls.
    /// </param>
    /// <param name="now">The time.</param>
    /// <param name="days">Days for which it is valid, but not longer than the authority.</param>
    /// <returns>When it expires.</returns>
    /// <exception cref="LinkException">A name is none, or the files can't be written.</exception>
    public DateTimeOffset Issue(string folder, IReadOnlyList<string> names, DateTimeOffset now, int days)
    {
        SubjectAlternativeNameBuilder alternatives = new();
        foreach (string name in names)
        {
            if (IPAddress.TryParse(name, out IPAddress? address))
                alternatives.AddIpAddress(address);
            else if (Uri.CheckHostName(name) == UriHostNameType.Dns)
                alternatives.AddDnsName(name);
            else
                throw new LinkException($"\"{name}\" is neither a host's name nor an address.");
        }

        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        CertificateRequest request = Request(names[0], key);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, critical: true));
        request.CertificateExtensions.Add(
            new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, critical: true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension(
            [new Oid(ServerPurpose), new Oid(ClientPurpose)], critical: false));
        request.CertificateExtensions.Add(alternatives.Build());
        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromCertificate(
            _certificate, includeKeyIdentifier: true, includeIssuerAndSerial: false));
        DateTimeOffset expires = now.AddDays(days) < Expires ? now.AddDays(days) : Expires;
        byte[] serial = RandomNumberGenerator.GetBytes(SerialBytes);
        serial[0] = (byte)(serial[0] & 0x7F | 0x40); // positive, and as long as any other
        using X509Certificate2 issued = request.Create(_certificate, now - ClockSlack, expires, serial);
        PemFiles.Write(folder, names[0], issued, key);
        return expires;
    }

    /// <inheritdoc/>
    public void Dispose() => _certificate.Dispose();

    /// <summary>What a certificate must be for.</summary>
    internal static Oid Purpose(bool isServer) => new(isServer ? ServerPurpose : ClientPurpose);

    private static CertificateAuthority Create(string folder, DateTimeOffset now, int days)
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        CertificateRequest request = Request("Distributed training authority", key);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, true, 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign, critical: true));
        X509Certificate2 certificate = request.CreateSelfSigned(now - ClockSlack, now.AddDays(days));
        PemFiles.Write(folder, Path.GetFileNameWithoutExtension(CertificateFile), certificate, key);
        return new CertificateAuthority(certificate);
    }

    private static CertificateRequest Request(string name, ECDsa key)
    {
        X500DistinguishedNameBuilder subject = new();
        subject.AddCommonName(name);
        CertificateRequest request = new(subject.Build(), key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        return request;
    }
}
