using System.Security.Cryptography.X509Certificates;
using Xunit;

namespace Distributed.Runtime.Tests;

/// <summary>The authority of a folder and the certificates that it signs.</summary>
public sealed class CertificateTests : IDisposable
{
    private static readonly DateTimeOffset Now = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void AnAuthorityIsCreatedOnceAndThenSignsForAnyNumberOfHosts()
    {
        Issue(["one", "10.0.0.1"], isNew: true);
        byte[] first = File.ReadAllBytes(_folder.File("ca.crt"));
        Issue(["two", "::1"], isNew: false);
        Assert.Equal(first, File.ReadAllBytes(_folder.File("ca.crt")));
        Assert.Equal(["ca.crt", "ca.key", "one.crt", "one.key", "two.crt", "two.key"], _folder.Names);
        Assert.Equal(
            [("ca", "", true), ("one", "one, 10.0.0.1", false), ("two", "two, ::1", false)],
            HostCertificate.List(_folder.Path)
                .Select(file => (file.Name, string.Join(", ", file.Hosts), file.IsAuthority)));
    }

    [Fact]
    public void AHostsCertificateChainsToTheAuthorityAndEndsNoLaterThanIt()
    {
        Issue(["one"], days: 30);
        Issue(["two"], days: 100_000 / 30);
        using X509Certificate2 authority = X509CertificateLoader.LoadCertificateFromFile(_folder.File("ca.crt"));
        using X509Certificate2 one = X509CertificateLoader.LoadCertificateFromFile(_folder.File("one.crt"));
        using X509Certificate2 two = X509CertificateLoader.LoadCertificateFromFile(_folder.File("two.crt"));
        Assert.Equal(Now.AddDays(30), one.NotAfter.ToUniversalTime());
        Assert.Equal(authority.NotAfter, two.NotAfter);
        Assert.NotEqual(one.SerialNumber, two.SerialNumber);
        using X509Chain chain = new();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.Add(authority);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.VerificationTime = Now.UtcDateTime;
        Assert.True(chain.Build(one), string.Join(", ", chain.ChainStatus.Select(status => status.StatusInformation)));
        chain.ChainPolicy.VerificationTime = Now.AddDays(31).UtcDateTime;
        Assert.False(chain.Build(one));
    }

    [Fact]
    public void KeysAreTheirOwnersAlone()
    {
        Issue(["one"]);
        if (OperatingSystem.IsWindows()) return;
        foreach (string key in (string[])["ca.key", "one.key"])
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(_folder.File(key)));
    }

    [Fact]
    public void TheOnlyHostOfAFolderNeedNotBeNamed()
    {
        Issue(["one"]);
        HostCertificate.Load(_folder.Path).Dispose();
        Issue(["two"]);
        LinkException several = Assert.Throws<LinkException>(() => HostCertificate.Load(_folder.Path));
        Assert.Contains("(one, two); say which is this one's with --certificate NAME", several.Message);
        File.Delete(_folder.File("two.key"));
        HostCertificate.Load(_folder.Path).Dispose();
    }

    [Fact]
    public void BrokenAndMissingFilesAreOneClearSentence()
    {
        Assert.Contains("ca.crt: there is no such certificate", Mistake(() => HostCertificate.Load(_folder.Path)));
        Issue(["one"]);
        Assert.Contains("nobody.crt", Mistake(() => HostCertificate.Load(_folder.Path, "nobody")));
        File.WriteAllText(_folder.File("one.key"), "not a key");
        Assert.Contains("one.crt: not a certificate in PEM with the key beside it",
            Mistake(() => HostCertificate.Load(_folder.Path)));
        File.WriteAllText(_folder.File("one.crt"), "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
        Assert.Contains("one.crt", Mistake(() => HostCertificate.List(_folder.Path)));
        File.Delete(_folder.File("ca.key"));
        Assert.Contains("ca.key: the authority's key is missing", Mistake(() => Issue(["three"])));
    }

    [Theory]
    [InlineData("two words")]
    [InlineData("a/b")]
    [InlineData("")]
    public void ANameThatIsNoneIsRefused(string name) =>
        Assert.Contains("neither a host's name nor an address", Mistake(() => Issue(["one", name])));

    [Fact]
    public void InsecureNeedsItsWords()
    {
        Assert.Contains(LinkSecurity.InsecureWords, Mistake(() => LinkSecurity.Chosen(null, null, "yes", null)));
        Assert.Same(LinkSecurity.Insecure, LinkSecurity.Chosen(null, null, LinkSecurity.InsecureWords, null));
        Assert.Same(LinkSecurity.LoopbackOnly, LinkSecurity.Chosen(null, null, null, null));
        Assert.Contains("exclude each other", Mistake(() => LinkSecurity.Chosen(
            _folder.Path, null, LinkSecurity.InsecureWords, null)));
    }

    private static string Mistake(Action action) => Assert.Throws<LinkException>(action).Message;

    private void Issue(string[] names, int days = 365, bool? isNew = null)
    {
        using CertificateAuthority authority =
            CertificateAuthority.OpenOrCreate(_folder.Path, Now, 3000, out bool created);
        Assert.Equal(isNew ?? created, created);
        authority.Issue(_folder.Path, names, Now, days);
    }
}
