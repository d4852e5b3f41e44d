using System.Net;
using System.Net.Security;
using System.Reflection;
using System.Security.Cryptography.X509Certificates;
using Akka.Actor.Setup;
using Akka.Configuration;
using Akka.Event;
using Akka.Remote.Transport.DotNetty;

namespace Distributed.Runtime.Akka;

/// <summary>
/// Mutual TLS of Akka.Remote with the same certificates and the same trust as links. Akka has it from 1.5.55 on (with
/// its faults mended from 1.5.60 on); an older one is found out when it starts, and never leaves the machine.
/// </summary>
internal static class RemoteTls
{
    private static readonly Version LeastVersion = new(1, 5, 60);

    private static readonly Type? Callback = typeof(DotNettySslSetup).Assembly.GetType(
        "Akka.Remote.Transport.DotNetty.CertificateValidationCallback");

    /// <summary>Said outright, whatever a version's defaults are.</summary>
    public static Config Settings { get; } = ConfigurationFactory.ParseString("""
        akka.remote.dot-netty.tcp {
          enable-ssl = on
          ssl {
            suppress-validation = off
            require-mutual-authentication = on
            validate-certificate-hostname = on
          }
        }
        """);

    /// <summary>Whether this version of Akka checks both ends.</summary>
    public static bool IsMutual => Callback is not null
        && typeof(DotNettySslSetup).Assembly.GetName().Version is { } version
        && new Version(version.Major, version.Minor, Math.Max(0, version.Build)) >= LeastVersion;

    /// <summary>What encrypts a node's connections; null: nothing has to.</summary>
    /// <exception cref="LinkException">The address is not this machine's own, and nothing would keep others out.
    /// </exception>
    public static Setup? Setup(LinkSecurity security, IPEndPoint bind)
    {
        security.Require(bind);
        if (security.Certificate is not { } certificate) return null;
        if (!IsMutual)
        {
            throw new LinkException($"Akka {AkkaEngine.LibraryVersion} has no mutual TLS: it needs {LeastVersion} or "
                + "later beyond this machine (Scripts/with-akka --version), or use --engine local.");
        }

        CertificateCheck check = new(certificate);
        MethodInfo method = typeof(CertificateCheck).GetMethod(nameof(CertificateCheck.Trusts))!;
        return (Setup)Activator.CreateInstance(
            typeof(DotNettySslSetup), certificate.Shown, false, true, true, method.CreateDelegate(Callback!, check))!;
    }

    /// <summary>Akka's question, answered as a link answers it.</summary>
    public sealed class CertificateCheck(HostCertificate certificate)
    {
        /// <summary>Whether what a peer showed is to be trusted.</summary>
        public bool Trusts(
            X509Certificate2 shown, X509Chain chain, string peer, SslPolicyErrors errors, ILoggingAdapter log)
        {
            string? objection = certificate.Objection(shown, peer);
            if (objection is not null) log.Warning("{0} can't be trusted: {1}.", peer, objection);
            return objection is null;
        }
    }
}
