using System.Text.Json;
using Distributed.Data;
using Distributed.Execution;
using Distributed.Learning;

namespace Distributed.Coordinator;

/// <summary>Reads how parameters are updated: optimizer, schedule, clipping, moving average.</summary>
/// <param name="settings">Where the values come from.</param>
/// <param name="spec">The specification that gives the defaults; null: none.</param>
internal sealed class RuleReader(TrainSettings settings, RunSpecification? spec)
{
    /// <summary>The update rule.</summary>
    /// <exception cref="UsageException">A value out of range, or a combination that makes no sense.</exception>
    /// <exception cref="ModelException">An unknown optimizer, or a mistake in its settings.</exception>
    public Optimizer Optimizer()
    {
        Optimizer chosen = spec?.Optimizer ?? new Sgd();
        if (settings.Text("optimizer") is { } text && text != chosen.Name)
            chosen = Learning.Optimizer.FromJson(Named("optimizer", text), "--optimizer");
        if (settings.Number("weight-decay", x => x >= 0, "of at least 0") is { } decay)
            chosen = chosen with { WeightDecay = decay };
        if (settings.Text("decay-exclude") is { } excluded) chosen = chosen with { DecayExclude = Exclusion(excluded) };
        if (settings.Number("momentum", x => x is >= 0 and < 1, "from 0 to below 1") is not { } momentum) return chosen;
        return chosen switch
        {
            Sgd sgd => sgd with { Momentum = momentum, Nesterov = momentum > 0 && (sgd.Nesterov || sgd.Momentum == 0) },
            RmsProp rmsProp => rmsProp with { Momentum = momentum },
            Lars lars => lars with { Momentum = momentum },
            _ => throw settings.Mistake("momentum",
                $"{chosen.Name} has no momentum; use --optimizer {chosen.Name}:beta1={momentum} for its mean"),
        };
    }

    /// <summary>The largest learning rate.</summary>
    /// <exception cref="UsageException">A value out of range.</exception>
    public double LearningRate(Optimizer optimizer) => settings.Number("learning-rate", x => x > 0, "above 0")
        ?? (spec?.Optimizer.Name == optimizer.Name ? spec.LearningRate : optimizer.DefaultLearningRate);

    /// <summary>Decay of the moving average of the weights; 0: none is kept.</summary>
    /// <exception cref="UsageException">A value out of range.</exception>
    public double Ema() =>
        settings.Number("ema", x => x is >= 0 and < 1, "from 0 (none) to below 1") ?? spec?.Ema ?? 0;

    /// <summary>The learning rate over the steps.</summary>
    /// <exception cref="UsageException">A value out of range.</exception>
    /// <exception cref="ModelException">An unknown schedule, or a mistake in its settings.</exception>
    public Schedule Schedule()
    {
        Schedule chosen = spec?.Schedule ?? new OneCycleSchedule();
        if (settings.Text("schedule") is { } text && text != chosen.Name)
            chosen = Learning.Schedule.FromJson(Named("schedule", text), "--schedule");
        if (settings.Number("warmup", x => x >= 0, "of at least 0") is not { } epochs) return chosen;

        // One warm-up is enough.
        if (chosen is CosineSchedule cosine) chosen = cosine with { WarmUp = 0 };
        return chosen with { WarmUpEpochs = epochs };
    }

    /// <summary>How gradients are bounded.</summary>
    /// <exception cref="UsageException">A value out of range, or two bounds.</exception>
    public GradientClip Clip()
    {
        double? norm = settings.Number("clip-norm", x => x >= 0, "of at least 0 (0: none)");
        double? value = settings.Number("clip-value", x => x >= 0, "of at least 0 (0: none)");
        if (norm > 0 && value > 0)
            throw settings.Mistake("clip-value", "gradients are clipped by --clip-norm already; give one of them");
        GradientClip before = spec?.Clip ?? default;
        return new GradientClip(
            norm ?? (value > 0 ? 0 : before.Norm), value ?? (norm > 0 ? 0 : before.Value));
    }

    private DecayExclusion Exclusion(string text)
    {
        DecayExclusion excluded = DecayExclusion.None;
        if (text == "none") return excluded;
        foreach (string kind in text.Split(','))
        {
            excluded |= DecayExclusions.Find(kind) ?? throw settings.Mistake("decay-exclude",
                $"expected none or a list of {string.Join(", ", DecayExclusions.Names)}, got '{text}'");
        }

        return excluded;
    }

    /// <summary>What a sample of each class counts.</summary>
    /// <exception cref="UsageException">Neither balanced nor a list of weights, or mixup beside them.</exception>
    public string ClassWeights(AugmentationList augmentation)
    {
        string text = settings.Text("class-weights") ?? spec?.ClassWeights ?? "";
        if (text is "none" or "") return "";
        if (augmentation.Items.Any(item => item.Kind.Name == "mixup"))
            throw settings.Mistake("class-weights", "mixup gives samples two labels; leave one of the two out");
        return text == ClassWeighting.Balanced || ClassWeighting.Numbers(text) is not null ? text
            : throw settings.Mistake("class-weights",
                $"expected balanced, none or a number of at least 0 for each class, separated by commas, got '{text}'");
    }

    /// <summary>Patterns of the parameters that stay as they are.</summary>
    /// <exception cref="ModelException">A pattern that names none, or nothing is left to train.</exception>
    public string Frozen(Model model)
    {
        string frozen = settings.Text("freeze") is not { } text ? spec?.Frozen ?? "" : text is "none" ? "" : text;
        new FrozenParameters(frozen).Check(model);
        return frozen;
    }

    private JsonElement Named(string setting, string text) => NamedSettings.Parse(text) ?? throw settings.Mistake(
        setting, $"expected NAME or NAME:KEY=VALUE:KEY=VALUE..., got '{text}'");
}
