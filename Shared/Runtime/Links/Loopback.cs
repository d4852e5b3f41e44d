using System.Net;

namespace Distributed.Runtime;

internal static class Loopback
{
    /// <summary>Throws unless the address is this machine's own: there is no encryption yet.</summary>
    public static void Require(IPEndPoint endPoint)
    {
        if (!IPAddress.IsLoopback(endPoint.Address))
            throw new LinkException(
                $"{endPoint.Address} is not a loopback address; links leave this machine only with TLS, which this "
                + "version does not have. Use 127.0.0.1.");
    }
}
