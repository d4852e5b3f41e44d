using System.Security.Cryptography;
using System.Text;

namespace Distributed.Runtime;

/// <summary>A run's secret, as the coordinator compares it.</summary>
/// <param name="token">The secret.</param>
internal sealed class RunToken(string token)
{
    /// <summary>The sentence for who doesn't have it.</summary>
    public const string Wrong = "The token is not this run's.";

    private readonly byte[] _token = Encoding.UTF8.GetBytes(token);

    /// <summary>Whether it is what was shown; in constant time.</summary>
    public bool Is(string shown) => CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(shown), _token);
}
