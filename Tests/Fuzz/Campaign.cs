using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text.RegularExpressions;
using Microsoft.Win32.SafeHandles;

namespace Distributed.Fuzz;

/// <summary>Feeds a target with changed inputs for a time, keeps those that reached something new, and saves those
/// that it did badly by.</summary>
internal sealed partial class Campaign
{
    /// <summary>What one input may take; a crowded machine included.</summary>
    private const int DeadlineSeconds = 20;

    private readonly FuzzTarget _target;
    private readonly int _seed;
    private readonly CorpusFolder _folder;
    private readonly List<byte[]> _corpus = [];
    private readonly HashSet<string> _complaints = [];
    private long _inputs;
    private long _accepted;
    private byte[]? _current;
    private long _currentSince;

    private Campaign(FuzzTarget target, int seed, CorpusFolder folder) =>
        (_target, _seed, _folder) = (target, seed, folder);

    /// <summary>Runs one and says how it went.</summary>
    /// <param name="target">The reader.</param>
    /// <param name="time">How long.</param>
    /// <param name="seed">Draws the changes.</param>
    /// <param name="folder">Inputs kept from earlier runs and for later ones.</param>
    /// <returns>How many different findings there were.</returns>
    public static int Run(FuzzTarget target, TimeSpan time, int seed, CorpusFolder folder) =>
        new Campaign(target, seed, folder).Run(time);

    private int Run(TimeSpan time)
    {
        using Timer watch = new(_ => Watch(), null, 1000, 1000);
        Stopwatch clock = Stopwatch.StartNew();
        foreach (byte[] input in _target.Seeds)
        {
            Try(input);
            _corpus.Add(input);
        }

        if (_accepted == 0) throw new InvalidOperationException($"{_target.Name}: no seed is accepted.");
        foreach (byte[] input in _folder.Load())
        {
            if (Try(input)) _corpus.Add(input);
        }

        int first = _corpus.Count;
        Random random = new(_seed);
        while (clock.Elapsed < time)
        {
            byte[] parent = _corpus[random.Next(2) == 0 && _corpus.Count > first
                ? random.Next(first, _corpus.Count) : random.Next(_corpus.Count)];
            int count = 1 + random.Next(1 << random.Next(5));
            Edit[] edits = [.. Enumerable.Range(0, count).Select(_ => Edit.Random(random))];
            byte[] input = Mutator.Apply(parent, edits, _target, _corpus);
            if (!Try(input)) continue;
            _corpus.Add(input);
            _folder.Keep(input);
        }

        double seconds = clock.Elapsed.TotalSeconds;
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{_target.Name,-14} seed {_seed}: {_inputs} inputs in {seconds:F0} s ({_inputs / seconds:F0}/s), " +
            $"{_accepted} accepted, {_inputs - _accepted} refused, {_corpus.Count} kept, {Coverage.Edges} edges, " +
            $"peak {Process.GetCurrentProcess().PeakWorkingSet64 >> 20} MB, {_complaints.Count} findings"));
        return _complaints.Count;
    }

    /// <summary>Whether the input reached something new.</summary>
    private bool Try(byte[] input)
    {
        _folder.Note(input);
        Volatile.Write(ref _currentSince, Environment.TickCount64);
        Volatile.Write(ref _current, input);
        Coverage.Begin();
        string? complaint = Judge.Complaint(_target, input, out Outcome outcome, isAlone: true);
        bool isNew = Coverage.IsNew();
        Volatile.Write(ref _current, null);
        _inputs++;
        _accepted += outcome.IsAccepted && complaint is null ? 1 : 0;
        if (complaint is not null && _complaints.Add(Shape(complaint))) _folder.Save(input, complaint, _seed);
        return isNew && complaint is null;
    }

    private void Watch()
    {
        if (Volatile.Read(ref _current) is not { } input
            || Environment.TickCount64 - Volatile.Read(ref _currentSince) < DeadlineSeconds * 1000) return;
        _folder.Save(input, $"no answer within {DeadlineSeconds} seconds", _seed);
        Environment.Exit(1);
    }

    /// <summary>A complaint without its figures, so that each kind is saved once.</summary>
    private static string Shape(string complaint)
    {
        string shape = Figures().Replace(complaint, "#");
        return shape[..Math.Min(shape.Length, 200)];
    }

    [GeneratedRegex("[0-9]+|'[^']*'|\"[^\"]*\"")]
    private static partial Regex Figures();
}

/// <summary>Where a target's inputs are kept between runs, and where findings go.</summary>
internal sealed class CorpusFolder
{
    private readonly string _kept;
    private readonly string _findings;
    private readonly string _current;
    private readonly string _target;
    private SafeFileHandle? _note;

    public CorpusFolder(string folder, string target)
    {
        _target = target;
        _kept = Directory.CreateDirectory(Path.Combine(folder, target)).FullName;
        _findings = Directory.CreateDirectory(Path.Combine(folder, "findings")).FullName;
        _current = Path.Combine(folder, $"{target}.current");
    }

    public IEnumerable<byte[]> Load() =>
        Directory.EnumerateFiles(_kept).Order(StringComparer.Ordinal).Select(File.ReadAllBytes);

    public void Keep(byte[] input) => File.WriteAllBytes(Path.Combine(_kept, NameOf(input)), input);

    /// <summary>Writes down what is tried now, for the parent process, should this one die of it.</summary>
    public void Note(byte[] input)
    {
        _note ??= File.OpenHandle(_current, FileMode.Create, FileAccess.Write, FileShare.ReadWrite);
        RandomAccess.Write(_note, input, 0);
        RandomAccess.SetLength(_note, input.Length);
    }

    /// <summary>What was tried when the process died.</summary>
    public byte[] Noted() => File.Exists(_current) ? File.ReadAllBytes(_current) : [];

    public void Forget() => File.Delete(_current);

    public void Save(byte[] input, string complaint, int seed)
    {
        string path = Path.Combine(_findings, $"{_target}-{NameOf(input)}");
        File.WriteAllBytes(path, input);
        File.WriteAllText($"{path}.txt", $"seed {seed}\n{complaint}\n");
        Console.WriteLine($"FINDING {path}: {complaint}");
    }

    private static string NameOf(byte[] input) => Convert.ToHexStringLower(SHA256.HashData(input))[..16];
}
