using System.Buffers;
using System.Text.Json;
using Distributed.Execution;
using Distributed.Roles.Coordinator;

namespace Distributed.Coordinator;

/// <summary>
/// A run's <c>metrics.jsonl</c>: a line for every logged step, for every epoch and for the test, each with <c>kind</c>,
/// <c>step</c> and <c>epoch</c> (counted from 1). Which steps are logged depends on their number alone, about a hundred
/// in an epoch, so a resumed run's file has the lines of one that never stopped. For one thread.
/// </summary>
internal sealed class MetricsWriter : IDisposable
{
    private const int StepsLoggedPerEpoch = 100;
    private const string Step = "step";
    private const string Epoch = "epoch";
    private const string Test = "test";
    private const int TopClasses = 5;

    private readonly string _path;
    private readonly int _every;
    private readonly bool _writesTopFive;
    private readonly Action<string> _warn;
    private readonly ArrayBufferWriter<byte> _line = new(512);
    private readonly Utf8JsonWriter _json;
    private FileStream? _file;

    /// <summary>
    /// Opens the file and drops from it what came after the point that the run goes on from, and a torn last line.
    /// </summary>
    /// <param name="path">The file.</param>
    /// <param name="progress">Where the run goes on from.</param>
    /// <param name="specification">The run.</param>
    /// <param name="warn">Told once when a line can't be written; the run goes on without.</param>
    /// <exception cref="UsageException">The file can't be written.</exception>
    public MetricsWriter(string path, TrainingProgress progress, RunSpecification specification, Action<string> warn)
    {
        _path = path;
        _every = Math.Max(1, specification.StepsPerEpoch / StepsLoggedPerEpoch);
        _writesTopFive = specification.Model.Classes > TopClasses;
        _warn = warn;
        _json = new Utf8JsonWriter(_line);
        try
        {
            if (File.Exists(path)) CutBack(path, progress);
            FileShare others = FileShare.ReadWrite | FileShare.Delete;
            _file = new FileStream(path, FileMode.Append, FileAccess.Write, others, bufferSize: 0);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new UsageException($"{path}: the file can't be written ({error.Message.TrimEnd('.')}).");
        }
    }

    /// <summary>Writes a step's line, if it is one that is logged.</summary>
    /// <param name="ended">The step.</param>
    /// <param name="learningRate">Its rate.</param>
    public void Write(StepEnded ended, double learningRate)
    {
        TrainingProgress progress = ended.Progress;
        if (progress.StepInEpoch % _every != 0) return;
        int samples = ended.Statistics.Samples;
        Begin(Step, progress.Step, progress.Epoch + 1);
        Number("loss", ended.Statistics.LossSum / samples);
        Number("accuracy", (double)ended.Statistics.Correct / samples);
        Number("learningRate", learningRate);
        Number("seconds", ended.Seconds);
        Number("samplesPerSecond", samples / ended.Seconds);
        End();
    }

    /// <summary>Writes an epoch's line.</summary>
    public void Write(EpochEnded ended)
    {
        EpochRecord record = ended.Record;
        Begin(Epoch, record.Step, record.Epoch);
        Number("trainLoss", record.TrainLoss);
        Number("trainAccuracy", record.TrainAccuracy);
        Number("validationLoss", record.ValidationLoss);
        Number("validationAccuracy", record.ValidationAccuracy);
        if (_writesTopFive) Number("validationTop5Accuracy", record.ValidationTopFive);
        _json.WriteNumber("samplesApplied", record.SamplesApplied);
        _json.WriteBoolean("best", ended.IsBest);
        End();
    }

    /// <summary>Writes the test's line, where the run made one.</summary>
    public void Write(RunResult result)
    {
        if (result.Classes is not { } classes) return;
        Begin(Test, result.Steps, result.Epochs);
        Number("loss", result.TestLoss ?? double.NaN);
        Number("accuracy", result.TestAccuracy ?? double.NaN);
        if (_writesTopFive) Number("top5Accuracy", result.TestTop5Accuracy ?? double.NaN);
        _json.WriteStartArray("classes");
        foreach (ClassScore score in classes)
        {
            _json.WriteStartObject();
            _json.WriteString("name", score.Name);
            _json.WriteNumber("samples", score.Samples);
            Number("precision", score.Precision ?? double.NaN);
            Number("recall", score.Recall ?? double.NaN);
            _json.WriteEndObject();
        }

        _json.WriteEndArray();
        End();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _file?.Dispose();
        _json.Dispose();
    }

    private static void CutBack(string path, TrainingProgress progress)
    {
        string temporary = AtomicFile.Temporary(path);
        using (FileStream file = new(temporary, FileMode.Create, FileAccess.Write))
        using (StreamWriter kept = new(file) { NewLine = "\n" })
        {
            foreach (string line in File.ReadLines(path))
            {
                if (IsBefore(line, progress)) kept.WriteLine(line);
            }

            kept.Flush();
            file.Flush(flushToDisk: true);
        }

        AtomicFile.Replace(temporary, path);
    }

    private static bool IsBefore(string line, TrainingProgress progress)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(line);
            JsonElement root = document.RootElement;
            string? kind = root.GetProperty("kind").GetString();
            bool isEpoch = kind == Epoch;

            // A test that ended the run before stays; one that is going to be made again does not.
            if (kind == Test) return root.GetProperty(Step).GetInt64() < progress.Step;
            return root.GetProperty(Step).GetInt64() <= progress.Step
                && (!isEpoch || root.GetProperty(Epoch).GetInt32() <= progress.Epoch);
        }
        catch (Exception error) when (error is JsonException or KeyNotFoundException or InvalidOperationException
            or FormatException)
        {
            return false;
        }
    }

    private void Begin(string kind, long step, int epoch)
    {
        _line.ResetWrittenCount();
        _json.Reset();
        _json.WriteStartObject();
        _json.WriteString("kind", kind);
        _json.WriteNumber(Step, step);
        _json.WriteNumber(Epoch, epoch);
    }

    private void Number(string name, double value)
    {
        if (double.IsFinite(value)) _json.WriteNumber(name, value);
        else _json.WriteNull(name);
    }

    private void End()
    {
        _json.WriteEndObject();
        _json.Flush();
        _line.Write("\n"u8);
        try
        {
            _file?.Write(_line.WrittenSpan);
        }
        catch (IOException error)
        {
            _file?.Dispose();
            _file = null;
            _warn($"{_path}: no more metrics are written ({error.Message.TrimEnd('.')}); the run goes on without.");
        }
    }
}
