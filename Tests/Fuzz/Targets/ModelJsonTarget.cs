using System.Text;
using Distributed.Learning;

namespace Distributed.Fuzz;

/// <summary>A model's file: read, written and read again, and compiled.</summary>
internal sealed class ModelJsonTarget : FuzzTarget
{
    private const string File = "model.json";
    private const int MicroBatch = 2;

    private static readonly string[] SmallModels = ["lenet5", "convnet", "mlp", "resnet20"];

    public override string Name => "model-json";

    public override string Place => "model";

    public override IReadOnlyList<byte[]> Words => JsonWords.Model;

    /// <summary>A layer in a few dozen letters is some objects and a place for each of its buffers.</summary>
    public override long MostAllocated(int length) => (2 << 20) + (2000L * length);

    public override Outcome Read(byte[] input) => Outcome.Of(error => (error as ModelException)?.Message, () =>
    {
        Model model = Model.FromJson(Encoding.UTF8.GetString(input), File);
        if (!Model.FromJson(model.ToJson(), File).Equals(model))
            throw new InvalidOperationException($"Not read back as it was written: {model.ToJson()}");
        ExecutionPlan.Compile(model, MicroBatch);
    });

    protected override IEnumerable<byte[]> MakeSeeds() =>
    [
        .. SmallModels.Select(name => Encoding.UTF8.GetBytes(ModelCatalogue.Find(name).ToJson())),
        Encoding.UTF8.GetBytes(EveryLayer().ToJson(indented: true)),
    ];

    private static Model EveryLayer() => Model.Sequential("all", [3, 16, 16], 4,
        new Conv2d(8, 3) { Padding = 1, Stride = 2, Bias = false }, new BatchNorm2d(), new Relu(),
        new Residual(new Sequential(new Conv2d(8, 3) { Padding = 1, Groups = 2 }, new LeakyRelu())),
        new Concat(
            new Sequential(new DepthwiseConv2d(3) { Padding = 1 }), new Sequential(new AvgPool2d(1), new Gelu())),
        new LocalResponseNorm(5), new Dropout(0.5), new MaxPool2d(2), new Sigmoid(), new GlobalAvgPool(), new Flatten(),
        new Linear(8), new Tanh(), new Linear(4));
}
