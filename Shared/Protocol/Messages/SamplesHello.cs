namespace Distributed.Protocol;

/// <summary>
/// The first message of a samples connection, worker to coordinator: asks for the run's data set. Answered by
/// <see cref="SamplesOffer"/>, maybe after some <see cref="SamplesPending"/>, or by <see cref="Refused"/>.
/// </summary>
/// <param name="Token">The run's secret token; over a link's connection, what proves it: see <see cref="Challenge"/>.
/// </param>
/// <param name="Run">The run, from <see cref="Welcome"/>.</param>
/// <param name="Fence">The coordinator's fence, from <see cref="Welcome"/>.</param>
/// <param name="Worker">The worker's number, from <see cref="Welcome"/>.</param>
/// <param name="From">The first byte of the data set to send, see <see cref="SamplesHeader"/>; -1: only the offer is
/// asked for.</param>
public sealed record SamplesHello(string Token, RunId Run, Fence Fence, WorkerId Worker, long From) : Message
{
    /// <summary><see cref="From"/> where only the offer is asked for.</summary>
    public const long OnlyOffer = -1;

    /// <inheritdoc/>
    public override MessageKind Kind => MessageKind.SamplesHello;

    internal override void Write(ref MessagePackWriter writer)
    {
        writer.WriteMapHeader(5);
        writer.Write(0);
        writer.Write(Token);
        writer.Write(1);
        writer.Write(Run);
        writer.Write(2);
        writer.Write(Fence.Value);
        writer.Write(3);
        writer.Write(Worker.Value);
        writer.Write(4);
        writer.Write(From);
    }

    internal static SamplesHello Read(ref MessagePackReader reader)
    {
        string token = "";
        RunId run = default;
        Fence fence = default;
        WorkerId worker = default;
        long from = default;
        FieldReader fields = new(reader.ReadMapHeader());
        while (fields.Next(ref reader, out int key))
        {
            switch (key)
            {
                case 0: token = reader.ReadString(); break;
                case 1: run = reader.ReadRun(); break;
                case 2: fence = reader.ReadFence(); break;
                case 3: worker = new WorkerId(reader.ReadInt32(0)); break;
                case 4: from = reader.ReadInt64(); break;
                default: reader.Skip(); break;
            }
        }
        fields.Require(ref reader, 5);
        if (from < OnlyOffer)
            reader.Fail(ProtocolError.OutOfRange);
        return new SamplesHello(token, run, fence, worker, from);
    }

    /// <summary>Leaves the token out: it is a secret.</summary>
    protected override bool PrintMembers(System.Text.StringBuilder builder)
    {
        builder.Append($"Run = {Run}, Fence = {Fence}, Worker = {Worker}, From = {From}");
        return true;
    }
}
