using System.Globalization;
using System.Security.Cryptography;

namespace Distributed.Data;

/// <summary>A file that public mirrors hold.</summary>
/// <param name="Name">Its name under the mirror's address.</param>
/// <param name="Bytes">Its length.</param>
/// <param name="Sha256">Its hash, in lower-case hexadecimal digits.</param>
internal sealed record MirroredFile(string Name, long Bytes, string Sha256);

/// <summary>
/// Downloads files from the first mirror that gives them. A file gets its name only once its hash is right, so that a
/// cut or tampered download is never used.
/// </summary>
internal sealed class Downloader(string dataset, string[] mirrors, Action<string>? progress)
{
    /// <summary>A mirror that sends nothing for so long is given up.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>Downloads what the folder lacks.</summary>
    /// <exception cref="DataException">No mirror gave a file, or the folder can't be written.</exception>
    public void Fetch(IEnumerable<MirroredFile> files, string folder)
    {
        try
        {
            Directory.CreateDirectory(folder);
            using HttpClient client = new(new SocketsHttpHandler { ConnectTimeout = Patience });
            client.Timeout = Timeout.InfiniteTimeSpan;
            foreach (MirroredFile file in files)
            {
                string path = Path.Combine(folder, file.Name);
                if (!File.Exists(path))
                {
                    Fetch(client, file, path);
                }
            }
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new DataException($"{folder}: downloaded files can't be written here " +
                $"({error.Message.TrimEnd('.')}); set XDG_CACHE_HOME to another folder.", error);
        }
    }

    private void Fetch(HttpClient client, MirroredFile file, string path)
    {
        string temporary = $"{path}.{Environment.ProcessId}.temporary";
        List<string> refusals = [];
        try
        {
            foreach (string mirror in mirrors)
            {
                if (Try(client, new Uri(mirror + file.Name), file, temporary) is not { } refusal)
                {
                    File.Move(temporary, path, overwrite: true);
                    return;
                }

                refusals.Add($"{new Uri(mirror).Authority}: {refusal}");
            }
        }
        finally
        {
            File.Delete(temporary);
        }

        throw new DataException($"{dataset} can't be downloaded ({string.Join("; ", refusals)}); without a network, " +
            $"get {file.Name} and its siblings another way and name their folder with --data-dir.");
    }

    /// <summary>Null where the file came whole, else why not.</summary>
    private string? Try(HttpClient client, Uri address, MirroredFile file, string temporary)
    {
        using CancellationTokenSource patience = new(Patience);
        try
        {
            using HttpRequestMessage request = new(HttpMethod.Get, address);
            using HttpResponseMessage response =
                client.Send(request, HttpCompletionOption.ResponseHeadersRead, patience.Token);
            if (!response.IsSuccessStatusCode)
            {
                return $"answered {(int)response.StatusCode}";
            }

            using Stream body = response.Content.ReadAsStream(patience.Token);
            using CancellationTokenRegistration cut = patience.Token.Register(response.Dispose);
            return Receive(body, file, address, temporary, patience);
        }
        catch (Exception error) when (error is HttpRequestException or OperationCanceledException or HttpIOException)
        {
            return error is OperationCanceledException || patience.IsCancellationRequested
                ? $"sent nothing for {Patience.TotalSeconds.ToString(CultureInfo.InvariantCulture)} s"
                : (error.InnerException ?? error).Message.TrimEnd('.');
        }
    }

    private string? Receive(
        Stream body, MirroredFile file, Uri address, string temporary, CancellationTokenSource patience)
    {
        using FileStream output = new(temporary, FileMode.Create, FileAccess.Write, FileShare.None);
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        byte[] buffer = new byte[1 << 16];
        long received = 0;
        int reported = -1;
        while (ReadBody(body, buffer, patience) is > 0 and int count)
        {
            received += count;
            if (received > file.Bytes)
            {
                return $"sent more than the {file.Bytes} bytes of {file.Name}";
            }

            hash.AppendData(buffer, 0, count);
            output.Write(buffer, 0, count);
            int tenth = (int)(received * 10 / file.Bytes);
            if (tenth > reported)
            {
                reported = tenth;
                progress?.Invoke(string.Create(CultureInfo.InvariantCulture, $"{dataset}: downloading {file.Name} " +
                    $"from {address.Host}, {tenth * 10}% of {file.Bytes / 1e6:F1} MB"));
            }
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset()) == file.Sha256 ? null
            : $"sent {received} bytes of {file.Name} that don't have the expected SHA-256";
    }

    /// <summary>The body's errors are the mirror's fault, those of the file are the disk's.</summary>
    private int ReadBody(Stream body, byte[] buffer, CancellationTokenSource patience)
    {
        try
        {
            patience.CancelAfter(Patience);
            return body.Read(buffer);
        }
        catch (Exception error) when (error is IOException or ObjectDisposedException)
        {
            throw new HttpRequestException(error.Message, error);
        }
    }
}
