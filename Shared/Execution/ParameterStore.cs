using Distributed.Learning;
using Distributed.Numerics;
using Distributed.Roles;

namespace Distributed.Execution;

/// <summary>
/// Carries out the parameter server role's compute effects: owns parameters, optimizer state, the moving average, the
/// best parameters, and the gradient buffers that nodes arrive in. One thread of control at a time, but for
/// <see cref="RentGradient"/>, <see cref="Borrow"/> and <see cref="ReleaseGradient"/>, which links call too.
/// </summary>
public sealed class ParameterStore : IDisposable
{
    private readonly RunSpecification _specification;
    private readonly NativeBuffer _parameters;
    private readonly NativeBuffer _best;
    private readonly NativeBuffer[] _states;
    private readonly int _optimizerStates;
    private readonly ParameterUpdate _update;
    private readonly List<IBlock?> _gradients = [];
    private readonly Stack<BufferId> _free = new();
    private readonly Stack<BufferId> _unused = new(); // ids without a block
    private int _owned;
    private readonly int _maximumGradients;

    /// <summary>Allocates for a specification; parameters are initialised from its seed.</summary>
    /// <param name="specification">The run.</param>
    /// <param name="maximumGradients">Gradient buffers that links may hold in all.</param>
    public ParameterStore(RunSpecification specification, int maximumGradients)
    {
        _specification = specification;
        _maximumGradients = maximumGradients;
        Layout = ParameterLayout.Of(specification.Model);
        _parameters = new NativeBuffer(Layout.Length);
        _best = new NativeBuffer(Layout.Length);
        _states = [.. specification.StateNames.Select(_ => new NativeBuffer(Layout.Length))];
        _optimizerStates = specification.Optimizer.StateNames.Count;
        _update = new ParameterUpdate(
            specification.Optimizer, Layout, specification.Clip, new FrozenParameters(specification.Frozen));
        Layout.Initialize(specification.Seed, _parameters.Span);
        BeginHere();
    }

    /// <summary>Names, shapes and places of the parameters.</summary>
    public ParameterLayout Layout { get; }

    /// <summary>What steps' samples weigh; null: each 1.</summary>
    public StepWeights? Weights { get; init; }

    /// <summary>The current parameters.</summary>
    public Span<float> Parameters => _parameters.Span;

    /// <summary>The best parameters.</summary>
    public Span<float> Best => _best.Span;

    /// <summary>What is validated: the moving average of the parameters where the run keeps one.</summary>
    public Span<float> Evaluated => _specification.Ema > 0 ? _states[^1].Span : _parameters.Span;

    /// <summary>State blocks, in the order of the specification's state names.</summary>
    public Span<float> State(int index) => _states[index].Span;

    /// <summary>Copies what is validated to the best.</summary>
    public void KeepBest() => Evaluated.CopyTo(_best.Span);

    /// <summary>The average, if there is one, and the best start where the parameters are.</summary>
    public void BeginHere()
    {
        _parameters.Span.CopyTo(Evaluated);
        KeepBest();
    }

    /// <summary>The parameters of a choice.</summary>
    public ReadOnlySpan<float> Choose(ParameterChoice choice) => choice switch
    {
        ParameterChoice.Best => Best,
        ParameterChoice.Average => Evaluated,
        _ => Parameters,
    };

    /// <summary>A free gradient buffer; null when more are held than credits can account for.</summary>
    public BufferId? RentGradient()
    {
        lock (_free)
        {
            if (_free.TryPop(out BufferId free)) return free;
            if (_owned >= _maximumGradients) return null;
            _owned++;
            return Name(new NativeBlock(Layout.GradientLength));
        }
    }

    /// <summary>Names a block that is lent, as a gradient buffer; giving the buffer back returns it.</summary>
    public BufferId Borrow(ILentBlock gradient)
    {
        lock (_free) return Name(gradient);
    }

    /// <summary>A gradient buffer's memory.</summary>
    public Span<float> Gradient(BufferId buffer)
    {
        lock (_free) return _gradients[buffer.Value]!.Span;
    }

    /// <summary>Gives a gradient buffer back.</summary>
    public void ReleaseGradient(BufferId buffer)
    {
        lock (_free)
        {
            if (_gradients[buffer.Value] is not ILentBlock lent)
            {
                _free.Push(buffer);
                return;
            }

            _gradients[buffer.Value] = null;
            _unused.Push(buffer);
            lent.Return();
        }
    }

    /// <summary>destination += source; the source is free afterwards.</summary>
    public void Add(BufferId destination, BufferId source)
    {
        Layout.AddGradients(Gradient(destination), Gradient(source));
        ReleaseGradient(source);
    }

    /// <summary>
    /// Applies a step: the gradient sum over samples, at the rate of that step, and the samples' statistics; then moves
    /// the average. Frees the buffer.
    /// </summary>
    public void Step(long step, int samples, int reductions, BufferId gradient)
    {
        float scale = 1f / samples;
        if (Weights?.Of(step) is { } weight) scale = weight > 0 ? (float)(1 / weight) : 0;
        _update.Step(
            step, scale, _specification.Rate(step, reductions), _parameters.Span, Gradient(gradient),
            _states.AsSpan(0, _optimizerStates));
        Layout.MoveRunningStatistics(_parameters.Span, Gradient(gradient));
        if (_specification.Ema > 0)
            Elementwise.MoveAverage(_specification.Average.Share(step), _parameters.Span, _states[^1].Span);
        ReleaseGradient(gradient);
    }

    /// <summary>The first layer with a value that is not finite, in the parameters or else in a gradient.</summary>
    public string FirstNotFinite(BufferId gradient)
    {
        foreach (ParameterEntry entry in Layout.Entries)
        {
            if (!Elementwise.AllFinite(_parameters.Span.Slice(entry.Offset, entry.Length))) return entry.Name;
        }

        foreach (ParameterEntry entry in Layout.Trainable)
        {
            if (!Elementwise.AllFinite(Gradient(gradient).Slice(entry.Offset, entry.Length))) return entry.Name;
        }

        return "the loss itself";
    }

    /// <summary>Frees every buffer.</summary>
    public void Dispose()
    {
        _parameters.Dispose();
        _best.Dispose();
        foreach (NativeBuffer state in _states) state.Dispose();
        foreach (IBlock? gradient in _gradients) (gradient as NativeBlock)?.Dispose();
    }

    private BufferId Name(IBlock block)
    {
        if (_unused.TryPop(out BufferId unused))
        {
            _gradients[unused.Value] = block;
            return unused;
        }

        _gradients.Add(block);
        return new BufferId(_gradients.Count - 1);
    }
}
