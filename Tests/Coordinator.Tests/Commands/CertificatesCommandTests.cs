using Xunit;

namespace Distributed.Coordinator.Tests;

/// <summary>The command that makes certificates for hosts.</summary>
public sealed class CertificatesCommandTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task NewMakesAnAuthorityAndACertificateAHostAndListNamesThem()
    {
        string made = await Run("new", "one,10.0.0.1", "two");
        Assert.Contains("ca.crt: a new authority, valid until", made);
        Assert.Contains("one.key: for one, 10.0.0.1, valid until", made);
        Assert.Contains("two needs these two and ca.crt.", made);
        string[] listed = (await Run("list")).TrimEnd().Split('\n');
        Assert.Equal(3, listed.Length);
        Assert.Contains("the authority", listed[0]);
        Assert.Matches("^one +valid until [0-9-]{10} \\(36[45] days\\)  one, 10.0.0.1", listed[1]);
        Assert.DoesNotContain("authority", await Run("new", "three"));
    }

    [Fact]
    public async Task RenewKeepsTheNamesAndChangesTheCertificate()
    {
        await Run("new", "one,10.0.0.1", "two", "--days", "5");
        byte[] one = File.ReadAllBytes(_folder["one.crt"]), two = File.ReadAllBytes(_folder["two.crt"]);
        Assert.Contains("one.key: for one, 10.0.0.1, valid until", await Run("renew", "one"));
        Assert.NotEqual(one, File.ReadAllBytes(_folder["one.crt"]));
        Assert.Equal(two, File.ReadAllBytes(_folder["two.crt"]));
        await Run("renew");
        Assert.NotEqual(two, File.ReadAllBytes(_folder["two.crt"]));
        Assert.Matches("two +valid until [0-9-]{10} \\(36[45] days\\)", await Run("list"));
    }

    [Fact]
    public async Task WhatIsNotThereCantBeRenewed()
    {
        await Run("new", "one");
        CommandRun run = await CommandRun.Of("certificates", "renew", "other", "--folder", _folder.Path);
        Assert.Equal(ExitCode.UserError, run.ExitCode);
        Assert.Contains("there is no certificate of 'other'; there are one.", run.Error);
    }

    private async Task<string> Run(params string[] arguments)
    {
        CommandRun run = await CommandRun.Of(["certificates", .. arguments, "--folder", _folder.Path]);
        Assert.Equal((ExitCode.Done, ""), (run.ExitCode, run.Error));
        return run.Output;
    }
}
