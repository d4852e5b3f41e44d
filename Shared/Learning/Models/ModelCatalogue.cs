namespace Distributed.Learning;

/// <summary>The models that have a name. A row each.</summary>
public static class ModelCatalogue
{
    private static readonly (string Name, Func<string, Model> Build)[] Rows =
    [
        ("convnet", name => new Model(name, 1, 28, 28, 10, new Sequential(
            new Conv2d(32, 3), new Relu(), new MaxPool2d(2),
            new Conv2d(64, 3), new Relu(), new MaxPool2d(2),
            new Conv2d(64, 3), new Relu(), new Flatten(),
            new Linear(64), new Relu(), new Linear(10)))),

        // LeCun et al. 1998, with ReLU and maximum pooling.
        ("lenet5", name => new Model(name, 1, 28, 28, 10, new Sequential(
            new Conv2d(6, 5) { Padding = 2 }, new Relu(), new MaxPool2d(2),
            new Conv2d(16, 5), new Relu(), new MaxPool2d(2), new Flatten(),
            new Linear(120), new Relu(), new Linear(84), new Relu(), new Linear(10)))),

        ("mlp", name => new Model(name, 1, 28, 28, 10, new Sequential(
            new Flatten(), new Linear(512), new Relu(), new Linear(512), new Relu(), new Linear(10)))),

        ("resnet110", name => ResNets.Cifar(name, 18)),
        ("resnet18", name => ResNets.Basic(name, 2, 2, 2, 2)),
        ("resnet20", name => ResNets.Cifar(name, 3)),
        ("resnet32", name => ResNets.Cifar(name, 5)),
        ("resnet34", name => ResNets.Basic(name, 3, 4, 6, 3)),
        ("resnet44", name => ResNets.Cifar(name, 7)),
        ("resnet50", name => ResNets.Bottleneck(name, 3, 4, 6, 3)),
        ("resnet56", name => ResNets.Cifar(name, 9)),
    ];

    /// <summary>The names, sorted.</summary>
    public static IReadOnlyList<string> Names { get; } = Array.ConvertAll(Rows, row => row.Name);

    /// <summary>The model of that name.</summary>
    /// <exception cref="ModelException">No model has that name.</exception>
    public static Model Find(string name)
    {
        foreach (var row in Rows)
        {
            if (row.Name == name)
                return row.Build(name);
        }
        throw new ModelException(
            $"unknown model \"{name}\"; known: {string.Join(", ", Names)}, or the name of a .json file with a model.");
    }
}
