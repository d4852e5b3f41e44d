using System.Text.Json;

namespace Distributed.Cluster;

/// <summary>A run's trace.json, read as a viewer would.</summary>
internal sealed class TraceEvents
{
    private const long ProcessesOfFence = 100_000;
    private readonly List<JsonElement> _spans = [];

    private TraceEvents(JsonElement events)
    {
        Dictionary<long, string> processes = [];
        foreach (JsonElement each in events.EnumerateArray())
        {
            string name = each.GetProperty("name").GetString()!;
            long process = each.GetProperty("pid").GetInt64();
            if (each.GetProperty("ph").GetString() == "X") _spans.Add(each);
            else if (name == "process_name") processes[process] = Name(each);
            else if (name == "thread_name") Lanes.Add($"{processes[process]}: {Name(each)}");
        }
    }

    /// <summary>Every lane, as PROCESS: THREAD.</summary>
    public HashSet<string> Lanes { get; } = [];

    public static TraceEvents Read(string path)
    {
        using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(path));
        return new TraceEvents(document.RootElement.Clone());
    }

    /// <summary>The steps of an activity under a fence, in order of their ends.</summary>
    public IEnumerable<int> Steps(string activity, int fence) => Of(activity, fence).Select(Step);

    /// <summary>How many micro-batches of a step an activity covers under a fence, each counted once.</summary>
    public int MicroBatches(string activity, int fence, int step)
    {
        HashSet<int> covered = [];
        foreach (JsonElement span in Of(activity, fence).Where(span => Step(span) == step))
        {
            JsonElement arguments = span.GetProperty("args");
            int first = arguments.GetProperty("firstMicroBatch").GetInt32();
            covered.UnionWith(Enumerable.Range(first, arguments.GetProperty("microBatches").GetInt32()));
        }

        return covered.Count;
    }

    private IEnumerable<JsonElement> Of(string activity, int fence) => _spans.Where(span =>
        span.GetProperty("name").GetString() == activity
        && span.GetProperty("pid").GetInt64() / ProcessesOfFence == fence);

    private static int Step(JsonElement span) => span.GetProperty("args").GetProperty("step").GetInt32();

    private static string Name(JsonElement metadata) =>
        metadata.GetProperty("args").GetProperty("name").GetString()!;
}
