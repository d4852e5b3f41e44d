using System.Net;
using System.Text;
using System.Text.Json;

namespace Distributed.Runtime;

/// <summary>One answer of the <see cref="HealthEndpoint"/>.</summary>
/// <param name="Status">The HTTP status code.</param>
/// <param name="Json">The body.</param>
internal readonly record struct HttpReply(int Status, byte[] Json)
{
    /// <summary>200 while no actor is stalled; else 503 with their names.</summary>
    public static HttpReply Live(IReadOnlyList<string> stalledActors) => stalledActors.Count == 0
        ? Of(200, writer => writer.WriteString("status", "live"))
        : Of(503, writer =>
        {
            writer.WriteString("status", "stalled");
            writer.WriteStartArray("actors");
            foreach (string actor in stalledActors) writer.WriteStringValue(actor);
            writer.WriteEndArray();
        });

    /// <summary>200 when nothing is waited for; else 503 with what it is.</summary>
    public static HttpReply Ready(string? waitsFor) => waitsFor is null
        ? Of(200, writer => writer.WriteString("status", "ready"))
        : Of(503, writer =>
        {
            writer.WriteString("status", "waiting");
            writer.WriteString("waitsFor", waitsFor);
        });

    /// <summary>Says what is wrong with a request.</summary>
    public static HttpReply Error(int status, string reason) =>
        Of(status, writer => writer.WriteString("error", reason));

    /// <summary>The whole answer as it is sent.</summary>
    public byte[] ToBytes()
    {
        string allow = Status == 405 ? "Allow: GET\r\n" : "";
        string head = $"HTTP/1.1 {Status} {(HttpStatusCode)Status}\r\nContent-Type: application/json\r\n"
            + $"Content-Length: {Json.Length}\r\nCache-Control: no-store\r\n{allow}Connection: close\r\n\r\n";
        return [.. Encoding.ASCII.GetBytes(head), .. Json];
    }

    private static HttpReply Of(int status, Action<Utf8JsonWriter> write)
    {
        using MemoryStream stream = new();
        using (Utf8JsonWriter writer = new(stream))
        {
            writer.WriteStartObject();
            write(writer);
            writer.WriteEndObject();
        }

        return new HttpReply(status, stream.ToArray());
    }
}
