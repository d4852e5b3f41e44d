using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Distributed.Runtime;

/// <summary>Certificates and their keys as PEM files (RFC 7468), NAME.crt and NAME.key.</summary>
internal static class PemFiles
{
    public const string CertificateEnding = ".crt";
    public const string KeyEnding = ".key";

    /// <summary>Reads a certificate without a key.</summary>
    /// <exception cref="LinkException">It is missing, or no certificate.</exception>
    public static X509Certificate2 Load(string certificate) =>
        Reading(certificate, () => X509Certificate2.CreateFromPem(File.ReadAllText(certificate)));

    /// <summary>Reads a certificate with its key.</summary>
    /// <exception cref="LinkException">A file is missing, broken, or they don't belong together.</exception>
    public static X509Certificate2 Load(string certificate, string key) =>
        Reading(certificate, () =>
        {
            using X509Certificate2 pem = X509Certificate2.CreateFromPemFile(certificate, key);

            // Windows can't use a key that has been no file in its own store.
            return X509CertificateLoader.LoadPkcs12(pem.Export(X509ContentType.Pkcs12), password: null);
        });

    /// <summary>Writes both; the key so that only its owner can read it. Files of that name are replaced.</summary>
    /// <exception cref="LinkException">They can't be written.</exception>
    public static void Write(string folder, string name, X509Certificate2 certificate, ECDsa key)
    {
        string path = Path.Combine(folder, name);
        try
        {
            Directory.CreateDirectory(folder);
            File.Delete(path + KeyEnding);
            FileStreamOptions secret = new() { Mode = FileMode.CreateNew, Access = FileAccess.Write };
            if (!OperatingSystem.IsWindows())
                secret.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
            using (StreamWriter writer = new(path + KeyEnding, secret))
                writer.WriteLine(key.ExportPkcs8PrivateKeyPem());
            File.WriteAllText(path + CertificateEnding, certificate.ExportCertificatePem() + "\n");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new LinkException($"{path}: the certificate can't be written ({error.Message.TrimEnd('.')}).");
        }
    }

    private static X509Certificate2 Reading(string path, Func<X509Certificate2> read)
    {
        try
        {
            return read();
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new LinkException($"{path}: there is no such certificate, or its key is missing.");
        }
        catch (Exception error) when (error is CryptographicException or ArgumentException)
        {
            throw new LinkException($"{path}: not a certificate in PEM with the key beside it.");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new LinkException($"{path}: the certificate can't be read ({error.Message.TrimEnd('.')}).");
        }
    }
}
