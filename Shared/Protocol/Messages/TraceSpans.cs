namespace Distributed.Protocol;

/// <summary>Something that a thread did, from when to when.</summary>
/// <param name="Activity">What.</param>
/// <param name="StartMicroseconds">When it began, in microseconds since 1970 (UTC) by its machine's clock.</param>
/// <param name="Microseconds">How long it took.</param>
/// <param name="Step">For which step; 0 where it was for none.</param>
/// <param name="First">The first micro-batch of the step (Compute, Push), or the first sample (Evaluate, Load).</param>
/// <param name="Count">How many of them.</param>
public readonly record struct TraceSpan(
    TraceActivity Activity, long StartMicroseconds, long Microseconds, StepNumber Step, int First, int Count);

/// <summary>Worker to coordinator, where the welcome asked for it: what one of its threads did since the last one.
/// </summary>
/// <param name="Fence">The coordinator's fence.</param>
/// <param name="Lane">The thread's number in this worker.</param>
/// <param name="Name">The thread's name, for people.</param>
/// <param name="Spans">What it did, in order of its ends.</param>
/// <param name="Lost">Spans that found no room since the worker joined.</param>
public sealed record TraceSpans(Fence Fence, int Lane, string Name, TraceSpan[] Spans, long Lost) : Message
{
    private const int NumbersPerSpan = 6;

    /// <inheritdoc/>
    public override MessageKind Kind => MessageKind.TraceSpans;

    internal override void Write(ref MessagePackWriter writer)
    {
        writer.WriteMapHeader(5);
        writer.Write(0);
        writer.Write(Fence.Value);
        writer.Write(1);
        writer.Write(Lane);
        writer.Write(2);
        writer.Write(Name);
        writer.Write(3);
        writer.WriteArrayHeader(NumbersPerSpan * Spans.Length);
        foreach (TraceSpan span in Spans)
        {
            writer.Write((int)span.Activity);
            writer.Write(span.StartMicroseconds);
            writer.Write(span.Microseconds);
            writer.Write(span.Step.Value);
            writer.Write(span.First);
            writer.Write(span.Count);
        }

        writer.Write(4);
        writer.Write(Lost);
    }

    internal static TraceSpans Read(ref MessagePackReader reader)
    {
        Fence fence = default;
        int lane = default;
        string name = "";
        TraceSpan[] spans = [];
        long lost = default;
        FieldReader fields = new(reader.ReadMapHeader());
        while (fields.Next(ref reader, out int key))
        {
            switch (key)
            {
                case 0: fence = reader.ReadFence(); break;
                case 1: lane = reader.ReadInt32(0); break;
                case 2: name = reader.ReadString(); break;
                case 3: spans = ReadSpans(ref reader); break;
                case 4: lost = reader.ReadNumber(); break;
                default: reader.Skip(); break;
            }
        }
        fields.Require(ref reader, 5);
        return new TraceSpans(fence, lane, name, spans, lost);
    }

    /// <summary>Equal field by field, spans one by one.</summary>
    public bool Equals(TraceSpans? other) =>
        other is not null && (Fence, Lane, Name, Lost) == (other.Fence, other.Lane, other.Name, other.Lost)
        && Spans.AsSpan().SequenceEqual(other.Spans);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Fence, Lane, Name, Spans.Length);

    private static TraceSpan[] ReadSpans(ref MessagePackReader reader)
    {
        int numbers = reader.ReadArrayHeader();
        if (numbers % NumbersPerSpan != 0)
            reader.Fail(ProtocolError.OutOfRange);
        TraceSpan[] spans = reader.Failed ? [] : new TraceSpan[numbers / NumbersPerSpan];
        for (int i = 0; i < spans.Length && !reader.Failed; i++)
        {
            TraceActivity activity = (TraceActivity)reader.ReadInt32(1);
            if (activity > TraceActivity.Snapshot)
                reader.Fail(ProtocolError.OutOfRange);
            spans[i] = new TraceSpan(
                activity, reader.ReadNumber(), reader.ReadNumber(), reader.ReadStep(), reader.ReadInt32(0),
                reader.ReadInt32(0));
        }
        return spans;
    }
}
