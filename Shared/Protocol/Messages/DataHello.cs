namespace Distributed.Protocol;

/// <summary>The first message of a data connection, worker to coordinator; answered by <see cref="DataReady"/> or
/// <see cref="Refused"/>.</summary>
/// <param name="Token">The run's secret token; over a link's connection, what proves it: see <see cref="Challenge"/>.
/// </param>
/// <param name="Run">The run, from <see cref="Welcome"/>.</param>
/// <param name="Fence">The coordinator's fence, from <see cref="Welcome"/>.</param>
/// <param name="Worker">The worker's number, from <see cref="Welcome"/>.</param>
public sealed record DataHello(string Token, RunId Run, Fence Fence, WorkerId Worker) : Message
{
    /// <inheritdoc/>
    public override MessageKind Kind => MessageKind.DataHello;

    internal override void Write(ref MessagePackWriter writer)
    {
        writer.WriteMapHeader(4);
        writer.Write(0);
        writer.Write(Token);
        writer.Write(1);
        writer.Write(Run);
        writer.Write(2);
        writer.Write(Fence.Value);
        writer.Write(3);
        writer.Write(Worker.Value);
    }

    internal static DataHello Read(ref MessagePackReader reader)
    {
        string token = "";
        RunId run = default;
        Fence fence = default;
        WorkerId worker = default;
        FieldReader fields = new(reader.ReadMapHeader());
        while (fields.Next(ref reader, out int key))
        {
            switch (key)
            {
                case 0: token = reader.ReadString(); break;
                case 1: run = reader.ReadRun(); break;
                case 2: fence = reader.ReadFence(); break;
                case 3: worker = new WorkerId(reader.ReadInt32(0)); break;
                default: reader.Skip(); break;
            }
        }
        fields.Require(ref reader, 4);
        return new DataHello(token, run, fence, worker);
    }

    /// <summary>Leaves the token out: it is a secret.</summary>
    protected override bool PrintMembers(System.Text.StringBuilder builder)
    {
        builder.Append($"Run = {Run}, Fence = {Fence}, Worker = {Worker}");
        return true;
    }
}
