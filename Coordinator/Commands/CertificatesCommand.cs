using System.CommandLine;
using System.Globalization;
using Distributed.Runtime;

namespace Distributed.Coordinator;

/// <summary>
/// <c>certificates</c>: a private authority and a certificate for each host, for links that leave a machine.
/// </summary>
internal static class CertificatesCommand
{
    private const int DefaultDays = 365;
    private const int AuthorityDays = 3650;
    private const int MostDays = 3650;

    private static readonly Option<string> Folder = new("--folder")
    {
        Description = "Where the certificates are (default: certificates).",
        DefaultValueFactory = _ => "certificates",
        HelpName = "DIR",
    };

    private static readonly Option<int> Days = new("--days")
    {
        Description = $"Days for which they are valid (default: {DefaultDays}).",
        DefaultValueFactory = _ => DefaultDays,
        HelpName = "N",
    };

    private static readonly Argument<string[]> Hosts = new("HOST[,NAME|ADDRESS...]")
    {
        Description = "A host's name, and the other names and addresses by which it calls and is called.",
        Arity = ArgumentArity.OneOrMore,
    };

    private static readonly Argument<string[]> Renewed = new("HOST")
    {
        Description = "The hosts; none: all of the folder.",
        Arity = ArgumentArity.ZeroOrMore,
    };

    /// <summary>The command.</summary>
    public static Command Create(CommandContext context)
    {
        Command create = new("new", "Certificates for hosts, and an authority where the folder has none.")
        {
            Hosts, Folder, Days,
        };
        create.SetAction(parsed => Issue(
            context, parsed, [.. parsed.GetRequiredValue(Hosts).Select(host => (string[])[.. host.Split(',')])]));
        Command renew = new("renew", "New certificates for the same names.") { Renewed, Folder, Days };
        renew.SetAction(parsed => Issue(context, parsed, NamesOf(parsed)));
        Command list = new("list", "The certificates of a folder and when they end.") { Folder };
        list.SetAction(parsed => List(context, parsed.GetRequiredValue(Folder)));
        return new Command("certificates", "Certificates for links between machines.") { create, renew, list };
    }

    private static int Issue(CommandContext context, ParseResult parsed, IReadOnlyList<string[]> hosts)
    {
        string folder = parsed.GetRequiredValue(Folder);
        int days = parsed.GetValue(Days);
        if (days is < 1 or > MostDays)
            throw new UsageException($"--days must be 1 to {MostDays}, got {days}.");
        foreach (string[] host in hosts) Check(host);
        DateTimeOffset now = context.Time.GetUtcNow();
        using CertificateAuthority authority =
            CertificateAuthority.OpenOrCreate(folder, now, AuthorityDays, out bool isNew);
        string ca = Path.Combine(folder, CertificateAuthority.CertificateFile);
        if (isNew)
        {
            context.Output.WriteLine($"{ca}: a new authority, valid until {Date(authority.Expires)}. Keep "
                + $"{CertificateAuthority.KeyFile} beside it to yourself.");
        }

        foreach (string[] host in hosts)
        {
            DateTimeOffset expires = authority.Issue(folder, host, now, days);
            string name = Path.Combine(folder, host[0]);
            context.Output.WriteLine($"{name}.crt, {name}.key: for {string.Join(", ", host)}, valid until "
                + $"{Date(expires)}. {host[0]} needs these two and {CertificateAuthority.CertificateFile}.");
        }

        return ExitCode.Done;
    }

    private static void Check(string[] host)
    {
        string name = host[0];
        if (name.Length == 0 || name.Contains(':') || name.AsSpan().IndexOfAny('/', '\\') >= 0)
            throw new UsageException($"'{name}' can't name a file; begin with the host's name, as in node1,::1.");
        if (name.Equals("ca", StringComparison.OrdinalIgnoreCase))
            throw new UsageException("'ca' is the authority; a host needs another name for its files.");
    }

    private static List<string[]> NamesOf(ParseResult parsed)
    {
        string folder = parsed.GetRequiredValue(Folder);
        string[] asked = parsed.GetValue(Renewed) ?? [];
        CertificateFile[] hosts = [.. HostCertificate.List(folder).Where(file => !file.IsAuthority)];
        foreach (string name in asked)
        {
            if (!hosts.Any(file => file.Name == name))
            {
                throw new UsageException($"{folder}: there is no certificate of '{name}'; "
                    + $"there are {string.Join(", ", hosts.Select(file => file.Name))}.");
            }
        }

        if (hosts.Length == 0)
            throw new UsageException($"{folder}: there is no host's certificate; 'certificates new HOST' makes one.");
        return
        [
            .. hosts.Where(file => asked.Length == 0 || asked.Contains(file.Name))
                .Select(file => (string[])[file.Name, .. file.Hosts.Where(host => host != file.Name)]),
        ];
    }

    private static int List(CommandContext context, string folder)
    {
        DateTimeOffset now = context.Time.GetUtcNow();
        foreach (CertificateFile file in HostCertificate.List(folder))
        {
            int days = (int)Math.Ceiling((file.Expires - now).TotalDays);
            string when = file.Expires < now ? $"expired on {Date(file.Expires)}"
                : string.Create(CultureInfo.InvariantCulture, $"valid until {Date(file.Expires)} ({days:N0} days)");
            string whose = file.IsAuthority ? "the authority" : string.Join(", ", file.Hosts);
            context.Output.WriteLine($"{file.Name,-16}  {when}  {whose}");
        }

        return ExitCode.Done;
    }

    private static string Date(DateTimeOffset time) => time.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
}
