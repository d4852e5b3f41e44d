using System.Text.RegularExpressions;
using Xunit;

namespace Distributed.Protocol.Tests;

/// <summary>Shared/Protocol/CONTRACTS.md is the contract: the code must write exactly its golden bytes. With
/// UPDATE_CONTRACTS=1 the test writes them into the file instead; a person reads the difference.</summary>
public partial class ContractsTests
{
    private static readonly string Contracts =
        Path.Combine(Checkout.Folder, "Shared", "Protocol", "CONTRACTS.md");

    [Fact]
    public void Every_message_has_a_section_with_its_golden_bytes()
    {
        string text = File.ReadAllText(Contracts);
        if (Environment.GetEnvironmentVariable("UPDATE_CONTRACTS") == "1")
            File.WriteAllText(Contracts, text = Section().Replace(text, Updated));

        Dictionary<MessageKind, string> written = Golden();
        Dictionary<MessageKind, string> documented = [];
        foreach (Match section in Section().Matches(text))
        {
            MessageKind kind = (MessageKind)int.Parse(section.Groups["number"].Value);
            Assert.Equal(kind.ToString(), section.Groups["name"].Value);
            documented.Add(kind, section.Groups["golden"].Value);
        }
        foreach (MessageKind kind in Enum.GetValues<MessageKind>().Where(kind => kind != MessageKind.None))
        {
            Assert.True(documented.ContainsKey(kind), $"CONTRACTS.md has no section for {(int)kind} {kind}.");
            Assert.Equal(documented[kind], written[kind]);
        }
        Assert.Equal(written.Count, documented.Count);
    }

    [Fact]
    public void Every_section_lists_as_many_keys_as_its_golden_bytes_have()
    {
        string text = File.ReadAllText(Contracts);
        foreach (Match section in Section().Matches(text))
        {
            int keys = Key().Count(section.Value);
            int fields = Convert.FromHexString(section.Groups["golden"].Value)[0] & 0x0f;
            Assert.True(keys == fields, $"{section.Groups["name"].Value} lists {keys} keys and sends {fields}.");
        }
    }

    private static string Updated(Match section)
    {
        Group golden = section.Groups["golden"];
        string written = Golden()[(MessageKind)int.Parse(section.Groups["number"].Value)];
        return section.Value[..(golden.Index - section.Index)] + written
            + section.Value[(golden.Index - section.Index + golden.Length)..];
    }

    private static Dictionary<MessageKind, string> Golden()
    {
        Dictionary<MessageKind, string> golden = Samples.Messages.ToDictionary(
            message => message.Kind, message => Convert.ToHexStringLower(Samples.Header(message)));
        golden.Add(MessageKind.Gradient, Convert.ToHexStringLower(Samples.Header(Samples.Gradient)));
        golden.Add(MessageKind.Parameters, Convert.ToHexStringLower(Samples.Header(Samples.Parameters)));
        golden.Add(MessageKind.Samples, Convert.ToHexStringLower(Samples.Header(Samples.Piece)));
        return golden;
    }

    [GeneratedRegex(
        @"^## (?<number>\d+) (?<name>\w+)\n(?:(?!^## )[\s\S])*?^Golden: `(?<golden>[0-9a-f]*)`$",
        RegexOptions.Multiline)]
    private static partial Regex Section();

    [GeneratedRegex(@"^\| \d+ \|", RegexOptions.Multiline)]
    private static partial Regex Key();
}
