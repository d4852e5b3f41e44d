namespace Distributed.Protocol;

/// <summary>Coordinator to worker: the answer to a <see cref="Hello"/> that is let in.</summary>
/// <param name="Worker">The worker's number.</param>
/// <param name="Run">The run.</param>
/// <param name="Fence">The coordinator's fence; the worker sends and takes only messages that carry it.</param>
/// <param name="Specification">The run's specification, as JSON.</param>
/// <param name="DataDirectory">Where the coordinator found its data set; null: the worker looks for itself.</param>
/// <param name="LeaseMilliseconds">Silence after which either side counts the other as lost.</param>
/// <param name="HeartbeatMilliseconds">How often each side sends a <see cref="Heartbeat"/>.</param>
/// <param name="DataAddress">Where the data connection goes, as HOST:PORT; null: where the control connection went.
/// </param>
public sealed record Welcome(
    WorkerId Worker, RunId Run, Fence Fence, string Specification, string? DataDirectory,
    int LeaseMilliseconds, int HeartbeatMilliseconds, string? DataAddress = null)
    : Message
{
    /// <summary>Whether the worker is to send <see cref="TraceSpans"/>.</summary>
    public bool Trace { get; init; }

    /// <inheritdoc/>
    public override MessageKind Kind => MessageKind.Welcome;

    internal override void Write(ref MessagePackWriter writer)
    {
        writer.WriteMapHeader(9);
        writer.Write(0);
        writer.Write(Worker.Value);
        writer.Write(1);
        writer.Write(Run);
        writer.Write(2);
        writer.Write(Fence.Value);
        writer.Write(3);
        writer.Write(Specification);
        writer.Write(4);
        writer.WriteOrNil(DataDirectory);
        writer.Write(5);
        writer.Write(LeaseMilliseconds);
        writer.Write(6);
        writer.Write(HeartbeatMilliseconds);
        writer.Write(7);
        writer.WriteOrNil(DataAddress);
        writer.Write(8);
        writer.Write(Trace);
    }

    internal static Welcome Read(ref MessagePackReader reader)
    {
        WorkerId worker = default;
        RunId run = default;
        Fence fence = default;
        string specification = "";
        string? dataDirectory = null;
        int leaseMilliseconds = default;
        int heartbeatMilliseconds = default;
        string? dataAddress = null;
        bool trace = false;
        FieldReader fields = new(reader.ReadMapHeader());
        while (fields.Next(ref reader, out int key))
        {
            switch (key)
            {
                case 0: worker = new WorkerId(reader.ReadInt32(0)); break;
                case 1: run = reader.ReadRun(); break;
                case 2: fence = reader.ReadFence(); break;
                case 3: specification = reader.ReadString(); break;
                case 4: dataDirectory = reader.ReadStringOrNil(); break;
                case 5: leaseMilliseconds = reader.ReadInt32(1); break;
                case 6: heartbeatMilliseconds = reader.ReadInt32(1); break;
                case 7: dataAddress = reader.ReadStringOrNil(); break;
                case 8: trace = reader.ReadBoolean(); break;
                default: reader.Skip(); break;
            }
        }
        fields.Require(ref reader, 9);
        return new Welcome(
            worker, run, fence,
            specification, dataDirectory, leaseMilliseconds, heartbeatMilliseconds, dataAddress)
        { Trace = trace };
    }
}
