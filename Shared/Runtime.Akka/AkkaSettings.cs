using Akka.Cluster.Hosting;
using Akka.Cluster.Hosting.SBR;
using Akka.Configuration;
using Akka.Remote.Hosting;

namespace Distributed.Runtime.Akka;

/// <summary>Every setting of Akka that we choose, with its reason. Users choose none of them: addresses, seeds and
/// certificates come from the programs' own options.</summary>
internal static class AkkaSettings
{
    /// <summary>The actor system's name, which all nodes of a cluster share.</summary>
    public const string SystemName = "distributed";

    /// <summary>The role of nodes that may coordinate.</summary>
    public const string CoordinatorRole = "coordinator";

    /// <summary>The role of workers' nodes.</summary>
    public const string WorkerRole = "worker";

    /// <summary>The singleton's name.</summary>
    public const string Singleton = "coordinator";

    /// <summary>Runs role actors on the thread that sends to them.</summary>
    public const string InlineDispatcher = "distributed.inline";

    /// <summary>Runs the ends of control links and the singleton.</summary>
    public const string LinkDispatcher = "distributed.links";

    private static readonly string Thread = typeof(ThreadDispatcherConfigurator).AssemblyQualifiedName!;

    // Work of a silent worker is dealt again after its lease of two seconds, whatever the cluster thinks; a node is
    // given up later, because on a busy machine one of many processes may well stand still for as long.
    private static readonly TimeSpan Heartbeat = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan AcceptablePause = TimeSpan.FromSeconds(3);

    /// <summary>An address as Akka writes it.</summary>
    public static string Address(string host, int port) =>
        $"akka.tcp://{SystemName}@{(host.Contains(':') ? $"[{host}]" : host)}:{port}";

    /// <summary>Nodes that must be there of so many that may coordinate, so that two parts can't both go on.</summary>
    public static int Quorum(int coordinators) => coordinators / 2 + 1;

    /// <summary>Where a node listens.</summary>
    public static RemoteOptions Remote(string host, string bind, int port) => new()
    {
        HostName = bind, // an empty one would bind every interface
        Port = port,
        PublicHostName = host,

        // A frame beyond this is dropped with a line in the sender's log alone; no control message may be.
        MaxFrameSize = Protocol.ProtocolLimits.Default.MaxHeaderBytes + (64 << 10),
    };

    /// <summary>How a node takes part in the cluster.</summary>
    /// <param name="role">What it is.</param>
    /// <param name="seeds">Whom it asks to be let in; the first may begin a cluster.</param>
    /// <param name="quorum">Nodes of the coordinator's role that must be there; the same for every node, because any of
    /// them may be the one that decides.</param>
    public static ClusterOptions Cluster(string role, string[] seeds, int quorum) => new()
    {
        Roles = [role],
        SeedNodes = seeds,
        LogInfo = false,

        // Only nodes that may coordinate count: one that loses most of its workers must not down itself.
        SplitBrainResolver = new StaticQuorumOption { Role = CoordinatorRole, QuorumSize = quorum },
        FailureDetector = new PhiAccrualFailureDetectorOptions
        {
            HeartbeatInterval = Heartbeat,
            AcceptableHeartbeatPause = AcceptablePause,
        },
    };

    /// <summary>What has no option of its own.</summary>
    public static Config Rest { get; } = ConfigurationFactory.ParseString($$"""
        akka {
          stdout-loglevel = off # before our logger stands: it would speak of the serializer that is left out below

          # Each tick wakes threads, in every process, while others compute; nothing here is due more exactly.
          scheduler.tick-duration = 100 ms
          actor {
            serializers {
              json = none # no Newtonsoft: what is bound to nothing is refused at the sender
              distributed = "{{typeof(FrameSerializer).AssemblyQualifiedName}}"
            }
            serialization-bindings {
              "System.Object" = none
              "{{typeof(Frame).AssemblyQualifiedName}}" = distributed
            }

            # Threads of their own: compute threads on the thread pool made nodes unreachable in five seconds.
            internal-dispatcher { type = "{{Thread}}", throughput = 30 }
          }
          remote {
            default-remote-dispatcher { type = "{{Thread}}", throughput = 30 }

            # A node that was killed and started again is let in sooner.
            retry-gate-closed-for = 1 s
            dot-netty.tcp {
              tcp-reuse-addr = off # else two processes share one port silently
              batching.enabled = false # a few small messages a step, each waited for
            }
          }
          cluster {
            seed-node-timeout = 2 s # a seed that is up answers at once
            retry-unsuccessful-join-after = 2 s
            shutdown-after-unsuccessful-join-seed-nodes = off # a stand-by waits as long as it takes
            run-coordinated-shutdown-when-down = on # the part that loses stops by itself

            # Fences make two coordinators at once harmless, so it need not be waited long that the other has stopped.
            down-removal-margin = 1 ms
            split-brain-resolver {
              stable-after = 3 s
              down-all-when-unstable = off # on a busy machine reachability flickers, and a run must not end by it
            }
          }
          coordinated-shutdown {
            exit-clr = off
            run-by-clr-shutdown-hook = off # signals are the program's
            phases {
              cluster-leave.timeout = 3 s
              cluster-exiting.timeout = 3 s
              cluster-sharding-shutdown-region.timeout = 3 s
            }
          }
        }
        {{InlineDispatcher}} {
          type = "{{typeof(InlineDispatcherConfigurator).AssemblyQualifiedName}}"
          throughput = 2147483647 # until nothing is left
        }
        {{LinkDispatcher}} { type = "{{Thread}}", throughput = 30 }
        """);
}
