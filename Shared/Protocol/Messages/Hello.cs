namespace Distributed.Protocol;

/// <summary>The first message of a control connection, worker to coordinator: who asks to join.</summary>
/// <param name="Protocol">The protocol's version, <see cref="ProtocolVersion.Current"/> of the sender.</param>
/// <param name="Token">The run's secret token; over a link's connection, what proves it: see <see cref="Challenge"/>.
/// </param>
/// <param name="Program">The program's version.</param>
/// <param name="NumericsClass">The class within which bits are equal, such as "fp32-cpu-1".</param>
/// <param name="Host">The host's name, for people.</param>
/// <param name="ProcessId">The process's id on its host.</param>
/// <param name="Threads">Compute threads.</param>
/// <param name="LaunchId">The place among the processes that the coordinator started itself; -1: somebody else
/// did.</param>
public sealed record Hello(
    int Protocol, string Token, string Program, string NumericsClass, string Host,
    int ProcessId, int Threads, int LaunchId)
    : Message
{
    /// <inheritdoc/>
    public override MessageKind Kind => MessageKind.Hello;

    internal override void Write(ref MessagePackWriter writer)
    {
        writer.WriteMapHeader(8);
        writer.Write(0);
        writer.Write(Protocol);
        writer.Write(1);
        writer.Write(Token);
        writer.Write(2);
        writer.Write(Program);
        writer.Write(3);
        writer.Write(NumericsClass);
        writer.Write(4);
        writer.Write(Host);
        writer.Write(5);
        writer.Write(ProcessId);
        writer.Write(6);
        writer.Write(Threads);
        writer.Write(7);
        writer.Write(LaunchId);
    }

    internal static Hello Read(ref MessagePackReader reader)
    {
        int protocol = default;
        string token = "";
        string program = "";
        string numericsClass = "";
        string host = "";
        int processId = default;
        int threads = default;
        int launchId = default;
        FieldReader fields = new(reader.ReadMapHeader());
        while (fields.Next(ref reader, out int key))
        {
            switch (key)
            {
                case 0: protocol = reader.ReadInt32(0); break;
                case 1: token = reader.ReadString(); break;
                case 2: program = reader.ReadString(); break;
                case 3: numericsClass = reader.ReadString(); break;
                case 4: host = reader.ReadString(); break;
                case 5: processId = reader.ReadInt32(0); break;
                case 6: threads = reader.ReadInt32(1); break;
                case 7: launchId = reader.ReadInt32(-1); break;
                default: reader.Skip(); break;
            }
        }
        fields.Require(ref reader, 8);
        return new Hello(protocol, token, program, numericsClass, host, processId, threads, launchId);
    }

    /// <summary>Leaves the token out: it is a secret.</summary>
    protected override bool PrintMembers(System.Text.StringBuilder builder)
    {
        builder.Append($"Protocol = {Protocol}, Program = {Program}, Host = {Host}, ProcessId = {ProcessId}");
        return true;
    }
}
