using Distributed.Checkpoints;
using Distributed.Execution;
using Distributed.Learning;
using Distributed.Numerics;

namespace Distributed.Coordinator;

/// <summary>
/// A copy of parameters and optimizer state as they were at one moment, so that training goes on while another thread
/// writes them. The memory is allocated once.
/// </summary>
internal sealed class ParameterSnapshot : IDisposable
{
    private readonly NativeBuffer _parameters;
    private readonly NativeBuffer[] _states;

    public ParameterSnapshot(ParameterLayout layout, IReadOnlyList<string> stateNames)
    {
        _parameters = new NativeBuffer(layout.Length);
        _states = [.. stateNames.Select(_ => new NativeBuffer(layout.Length))];
        List<TensorSource> tensors = [];
        Add("", _parameters, layout.Entries);
        for (int state = 0; state < _states.Length; state++)
        {
            Add(
                CheckpointMapping.StatePrefix(stateNames[state]), _states[state],
                CheckpointMapping.StateEntries(layout, stateNames[state]));
        }

        Tensors = tensors;

        void Add(string prefix, NativeBuffer block, IReadOnlyList<ParameterEntry> entries)
        {
            foreach (ParameterEntry entry in entries)
            {
                tensors.Add(new TensorSource(
                    prefix + entry.Name, entry.Shape, destination => layout.Export(entry, block.Span, destination)));
            }
        }
    }

    /// <summary>Every tensor of the copy, read when it is asked for its elements.</summary>
    public IReadOnlyList<TensorSource> Tensors { get; }

    /// <summary>Copies what the store holds now. Nobody may be reading the copy before.</summary>
    public void Take(ParameterStore store)
    {
        store.Parameters.CopyTo(_parameters.Span);
        for (int state = 0; state < _states.Length; state++) store.State(state).CopyTo(_states[state].Span);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _parameters.Dispose();
        foreach (NativeBuffer state in _states) state.Dispose();
    }
}
