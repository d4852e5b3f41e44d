using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace Distributed.Coordinator;

/// <summary>What small messages cost on this machine, over a loopback connection between two threads.</summary>
internal static class MessageTiming
{
    private const int MessageBytes = 64;
    private const int Rounds = 2000;
    private const int Stream = 20_000;

    /// <summary>
    /// Measures the seconds from the send of a message until the thread that waits for it has it, and the seconds that
    /// a send takes of the sender's thread.
    /// </summary>
    public static (double HandOver, double Message) Measure()
    {
        using Socket listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        using Socket near = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        near.Connect(listener.LocalEndPoint!);
        using Socket far = listener.Accept();
        far.NoDelay = true;
        Thread echo = new(() => Echo(far)) { IsBackground = true };
        echo.Start();

        byte[] message = new byte[MessageBytes];
        double[] rounds = new double[Rounds];
        for (int i = 0; i < Rounds; i++)
        {
            long start = Stopwatch.GetTimestamp();
            near.Send(message);
            Receive(near, message);
            rounds[i] = Stopwatch.GetElapsedTime(start).TotalSeconds;
        }

        Array.Sort(rounds);
        long begun = Stopwatch.GetTimestamp();
        for (int i = 0; i < Stream; i++) near.Send(message);
        double sent = Stopwatch.GetElapsedTime(begun).TotalSeconds;
        near.Shutdown(SocketShutdown.Send);
        echo.Join();
        return (rounds[Rounds / 2] / 2, sent / Stream);
    }

    /// <summary>Answers each of the first messages, and takes in the rest.</summary>
    private static void Echo(Socket socket)
    {
        byte[] message = new byte[MessageBytes];
        for (int i = 0; Receive(socket, message); i++)
        {
            if (i < Rounds) socket.Send(message);
        }
    }

    private static bool Receive(Socket socket, byte[] message)
    {
        for (int have = 0; have < message.Length;)
        {
            int read = socket.Receive(message.AsSpan(have));
            if (read == 0) return false;
            have += read;
        }

        return true;
    }
}
