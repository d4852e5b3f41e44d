using System.Security.Cryptography;
using System.Text;
using Distributed.Protocol;

namespace Distributed.Runtime;

/// <summary>A run's secret, as the coordinator compares it.</summary>
/// <param name="token">The secret.</param>
internal sealed class RunToken(string token)
{
    /// <summary>The sentence for who doesn't have it.</summary>
    public const string Wrong = "The token is not this run's.";

    private const int NonceBytes = 16;

    /// <summary>Of so many proofs that were right it is remembered that they were used.</summary>
    private const int MostProofs = 4096;

    private readonly byte[] _token = Encoding.UTF8.GetBytes(token);
    private readonly Lock _lock = new();
    private readonly HashSet<string> _used = [];
    private readonly Queue<string> _usedInOrder = [];

    /// <summary>A text for a <see cref="Challenge"/>.</summary>
    public static string NewNonce() => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(NonceBytes));

    /// <summary>What shows that one has the token, to who sent the nonce.</summary>
    public static string Prove(string token, string nonce) => Prove(Encoding.UTF8.GetBytes(token), nonce);

    /// <summary>Whether what was shown proves the token on the connection that got the nonce; in constant time. Not
    /// where there is none.</summary>
    public bool IsProven(string shown, string nonce)
    {
        bool isProven = nonce.Length > 0 && CryptographicOperations.FixedTimeEquals(
            Encoding.UTF8.GetBytes(shown), Encoding.UTF8.GetBytes(Prove(_token, nonce)));
        if (isProven) Remember(shown);
        return isProven;
    }

    /// <summary>Whether what was shown proved it on an earlier connection.</summary>
    public bool WasProven(string shown)
    {
        lock (_lock) return _used.Contains(shown);
    }

    private void Remember(string proof)
    {
        lock (_lock)
        {
            _used.Add(proof);
            _usedInOrder.Enqueue(proof);
            if (_usedInOrder.Count > MostProofs) _used.Remove(_usedInOrder.Dequeue());
        }
    }

    private static string Prove(byte[] token, string nonce) =>
        Convert.ToHexStringLower(HMACSHA256.HashData(token, Encoding.UTF8.GetBytes(nonce)));
}
