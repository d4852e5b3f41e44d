namespace Distributed.Learning;

/// <summary>A layer that keeps running statistics.</summary>
internal readonly record struct BatchNormDeclaration(string Name, int Channels, double Momentum);

/// <summary>
/// One walk over a model's layers: shapes are inferred and checked, parameters and summary rows collected. Every size
/// is checked against a limit before anything is computed from it, so no product overflows.
/// </summary>
internal sealed class ModelDeclaration
{
    /// <summary>Largest channel count, height, width, kernel, stride, padding or number of outputs.</summary>
    public const int MaximumSize = 1 << 20;

    /// <summary>Largest height and width of an image that a window slides over, as the kernels count.</summary>
    public const int MaximumSide = 1 << 14;

    /// <summary>Most values between two layers, for one sample.</summary>
    public const int MaximumValues = 1 << 28;

    /// <summary>Most parameters of a model.</summary>
    public const int MaximumParameters = 1 << 30;

    /// <summary>Most values of a pooling's window: a maximum's position within it is kept in a byte.</summary>
    public const int MaximumWindow = 256;

    /// <summary>Most layers of a model.</summary>
    public const int MaximumLayers = 2_000;

    private readonly Model _model;
    private readonly List<ParameterEntry> _parameters = [];
    private readonly List<BatchNormDeclaration> _batchNorms = [];
    private readonly List<LayerSummary> _rows = [];
    private int _offset;
    private long _count;
    private long _countBeforeLayer;

    private ModelDeclaration(Model model) => _model = model;

    public IReadOnlyList<ParameterEntry> Parameters => _parameters;

    public IReadOnlyList<BatchNormDeclaration> BatchNorms => _batchNorms;

    public IReadOnlyList<LayerSummary> Rows => _rows;

    /// <summary>Floats of the trainable parameters, padding included.</summary>
    public int TrainableLength => _offset;

    /// <summary>Checks a whole model.</summary>
    public static ModelDeclaration Of(Model model)
    {
        var declaration = new ModelDeclaration(model);
        declaration.RequireSize("input channels", model.Channels);
        declaration.RequireSize("input height", model.Height);
        declaration.RequireSize("input width", model.Width);
        declaration.RequireSize("classes", model.Classes);
        var input = new TensorShape(model.Channels, model.Height, model.Width, IsFlat: false);
        declaration.RequireValues((Int128)model.Channels * model.Height * model.Width, "its input");
        declaration.RequireOutput(model.Layers.Declare(declaration, "", input));
        return declaration;
    }

    /// <summary>A mistake in one layer, as one sentence: what is wrong and what to do.</summary>
    public ModelException Mistake(string name, Layer layer, string sentence) =>
        new($"{Where}, layer {name} ({layer.Type}): {sentence}.");

    public void RequireImage(string name, Layer layer, TensorShape input)
    {
        if (input.IsFlat)
            throw Mistake(name, layer, $"its input is flat ({input} features); put it in front of the flatten layer");
    }

    public void RequireSize(string name, Layer layer, string field, int value)
    {
        if (value is < 1 or > MaximumSize)
            throw Mistake(name, layer, $"{field} must be between 1 and {MaximumSize}, got {value}");
    }

    /// <summary>Height and width after a sliding window: floor((size + 2 padding - kernel) / stride) + 1.</summary>
    public (int Height, int Width) WindowOutput(
        string name, Layer layer, TensorShape input, Size2d kernel, Size2d stride, Size2d padding)
    {
        RequireSize(name, layer, "kernel", kernel, least: 1);
        RequireSize(name, layer, "stride", stride, least: 1);
        RequireSize(name, layer, "padding", padding, least: 0);
        if (Math.Max(input.Height, input.Width) > MaximumSide)
            throw Mistake(name, layer, $"its input {input} is higher or wider than {MaximumSide}; make it smaller");
        var padded = new Size2d(input.Height + 2 * padding.Height, input.Width + 2 * padding.Width);
        if (kernel.Height > padded.Height || kernel.Width > padded.Width)
        {
            var with = padding == 0 ? "" : $" with its padding {padding}";
            throw Mistake(
                name, layer,
                $"its kernel {kernel} is larger than its input {input}{with}; make it smaller or the padding larger");
        }
        return ((padded.Height - kernel.Height) / stride.Height + 1, (padded.Width - kernel.Width) / stride.Width + 1);
    }

    /// <summary>Height and width of a convolution's output: as <see cref="WindowOutput"/>, where every window has a
    /// pixel of the input.</summary>
    public (int Height, int Width) ConvolutionOutput(
        string name, Layer layer, TensorShape input, Size2d kernel, Size2d stride, Size2d padding)
    {
        var output = WindowOutput(name, layer, input, kernel, stride, padding);
        if (padding.Height >= kernel.Height || padding.Width >= kernel.Width)
            throw Mistake(name, layer, $"its padding {padding} must be less than its kernel {kernel}; make it smaller");
        return output;
    }

    /// <summary>The output of a pooling: as <see cref="WindowOutput"/>, with limits to window and padding.</summary>
    public TensorShape PoolOutput(
        string name, Layer layer, TensorShape input, Size2d kernel, Size2d stride, Size2d padding)
    {
        RequireImage(name, layer, input);
        var (height, width) = WindowOutput(name, layer, input, kernel, stride, padding);
        if ((long)kernel.Height * kernel.Width > MaximumWindow)
            throw Mistake(name, layer, $"its window {kernel} has more than {MaximumWindow} values; make it smaller");
        if (padding.Height > kernel.Height / 2 || padding.Width > kernel.Width / 2)
            throw Mistake(
                name, layer, $"its padding {padding} is more than half its kernel {kernel}; make it smaller");
        return input with { Height = height, Width = width };
    }

    /// <summary>
    /// Declares a convolution's weight, in PyTorch [outputs, inputs of a group, rows, columns]; returns its length.
    /// </summary>
    public int AddWeight(
        string name, Layer layer, int outputs, int inputs, Size2d kernel, Initialization initialization,
        int groups = 1) =>
        Add(name, layer, "weight", [outputs, inputs, kernel.Height, kernel.Width], inputs, kernel.Height, kernel.Width,
            initialization, groups);

    /// <summary>Declares a linear layer's weight, in PyTorch [outputs, features]; returns its length.</summary>
    public int AddWeight(
        string name, Layer layer, int outputs, TensorShape input, Initialization initialization) =>
        Add(name, layer, "weight", [outputs, input.Length], input.Channels, input.Height, input.Width, initialization);

    /// <summary>Declares a bias, one value an output.</summary>
    public void AddBias(string name, Layer layer, int outputs) =>
        Add(name, layer, "bias", [outputs], 1, 1, 1, Initialization.Constant(0));

    /// <summary>
    /// Declares a batch norm's weight and bias, one value a channel, and its running statistics, which move by
    /// <paramref name="momentum"/>.
    /// </summary>
    public void AddBatchNorm(string name, Layer layer, int channels, double momentum)
    {
        Add(name, layer, "weight", [channels], 1, 1, 1, Initialization.Constant(1));
        AddBias(name, layer, channels);
        _batchNorms.Add(new BatchNormDeclaration(name, channels, momentum));
    }

    /// <summary>
    /// Adds a layer's summary row and checks its output's size; call it after the layer's parameters.
    /// </summary>
    public TensorShape AddLayer(string name, Layer layer, TensorShape output, Int128 multiplyAdds)
    {
        if (_rows.Count >= MaximumLayers)
            throw new ModelException($"{Where}: it has more than {MaximumLayers} layers; make it smaller.");
        RequireValues(
            (Int128)output.Channels * output.Height * output.Width, $"the output of layer {name} ({layer.Type})");
        _rows.Add(new LayerSummary(name, layer.Type, output, _count - _countBeforeLayer, (long)multiplyAdds));
        _countBeforeLayer = _count;
        return output;
    }

    private string Where => $"model \"{_model.Name}\"";

    private int Add(
        string name, Layer layer, string kind, int[] shape, int inputs, int rows, int columns,
        Initialization initialization, int groups = 1)
    {
        var length = (Int128)shape[0] * inputs * rows * columns;
        if (length + _count > MaximumParameters)
            throw Mistake(name, layer, $"the model has more than {MaximumParameters} parameters; make it smaller");
        var entry = new ParameterEntry(
            _parameters.Count, $"{name}.{kind}", shape, _offset, shape[0], inputs, rows, columns, initialization,
            groups: groups);
        _parameters.Add(entry);
        _count += entry.Length;
        _offset += BufferPlacement.Align(entry.Length);
        return entry.Length;
    }

    private void RequireSize(string name, Layer layer, string field, Size2d size, int least)
    {
        if (Math.Min(size.Height, size.Width) < least || Math.Max(size.Height, size.Width) > MaximumSize)
            throw Mistake(name, layer, $"{field} must be between {least} and {MaximumSize}, got {size}");
    }

    private void RequireSize(string field, int value)
    {
        if (value is < 1 or > MaximumSize)
            throw new ModelException($"{Where}: {field} must be between 1 and {MaximumSize}, got {value}.");
    }

    private void RequireValues(Int128 values, string what)
    {
        if (values > MaximumValues)
            throw new ModelException(
                $"{Where}: {what} has {values} values a sample; at most {MaximumValues} are possible.");
    }

    private void RequireOutput(TensorShape output)
    {
        if (_parameters.Count == 0)
            throw new ModelException(
                $"{Where}: no layer has parameters, so there is nothing to train; add a linear layer.");
        if (!output.IsFlat)
            throw new ModelException(
                $"{Where}: the last layer's output {output} is an image; end with flatten and linear.");
        if (output.Length != _model.Classes)
        {
            throw new ModelException(
                $"{Where}: it has {_model.Classes} classes but its last layer has {output.Length} outputs; " +
                "make them equal.");
        }
    }
}
