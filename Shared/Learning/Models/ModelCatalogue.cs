namespace Distributed.Learning;

/// <summary>The models that have a name. A row each.</summary>
public static class ModelCatalogue
{
    private static readonly (string Name, Func<string, Model> Build)[] Rows =
    [
        ("alexnet", OtherNets.AlexNet),

        ("convnet", name => new Model(name, 1, 28, 28, 10, new Sequential(
            new Conv2d(32, 3), new Relu(), new MaxPool2d(2),
            new Conv2d(64, 3), new Relu(), new MaxPool2d(2),
            new Conv2d(64, 3), new Relu(), new Flatten(),
            new Linear(64), new Relu(), new Linear(10)))),

        ("densenet121", name => DenseNets.ImageNet(name, 6, 12, 24, 16)),
        ("densenet40", DenseNets.Cifar40),
        ("googlenet", OtherNets.GoogLeNet),

        // LeCun et al. 1998, with ReLU and maximum pooling.
        ("lenet5", name => new Model(name, 1, 28, 28, 10, new Sequential(
            new Conv2d(6, 5) { Padding = 2 }, new Relu(), new MaxPool2d(2),
            new Conv2d(16, 5), new Relu(), new MaxPool2d(2), new Flatten(),
            new Linear(120), new Relu(), new Linear(84), new Relu(), new Linear(10)))),

        ("mlp", name => new Model(name, 1, 28, 28, 10, new Sequential(
            new Flatten(), new Linear(512), new Relu(), new Linear(512), new Relu(), new Linear(10)))),

        ("mobilenet", OtherNets.MobileNet),

        ("resnet110", name => ResNets.Cifar(name, 18)),
        ("resnet18", name => ResNets.Basic(name, 2, 2, 2, 2)),
        ("resnet20", name => ResNets.Cifar(name, 3)),
        ("resnet32", name => ResNets.Cifar(name, 5)),
        ("resnet34", name => ResNets.Basic(name, 3, 4, 6, 3)),
        ("resnet44", name => ResNets.Cifar(name, 7)),
        ("resnet50", name => ResNets.Bottleneck(name, 3, 4, 6, 3)),
        ("resnet56", name => ResNets.Cifar(name, 9)),

        // A bare name means torch_train.py's network where that has one, with batch norm and without dropout; else, as
        // in torchvision, a plain one. -bn and -plain say it.
        ("vgg11", name => VggNets.ImageNet(name, 11, batchNorm: true, dropout: false)),
        ("vgg11-bn", name => VggNets.ImageNet(name, 11, batchNorm: true)),
        ("vgg11-bn-cifar", name => VggNets.Cifar(name, 11, batchNorm: true)),
        ("vgg11-cifar", name => VggNets.Cifar(name, 11, batchNorm: true)),
        ("vgg11-plain", name => VggNets.ImageNet(name, 11, batchNorm: false)),
        ("vgg11-plain-cifar", name => VggNets.Cifar(name, 11, batchNorm: false)),
        ("vgg13", name => VggNets.ImageNet(name, 13, batchNorm: false)),
        ("vgg13-bn", name => VggNets.ImageNet(name, 13, batchNorm: true)),
        ("vgg13-bn-cifar", name => VggNets.Cifar(name, 13, batchNorm: true)),
        ("vgg13-cifar", name => VggNets.Cifar(name, 13, batchNorm: false)),
        ("vgg16", name => VggNets.ImageNet(name, 16, batchNorm: false)),
        ("vgg16-bn", name => VggNets.ImageNet(name, 16, batchNorm: true)),
        ("vgg16-bn-cifar", name => VggNets.Cifar(name, 16, batchNorm: true)),
        ("vgg16-cifar", name => VggNets.Cifar(name, 16, batchNorm: false)),
        ("vgg19", name => VggNets.ImageNet(name, 19, batchNorm: false)),
        ("vgg19-bn", name => VggNets.ImageNet(name, 19, batchNorm: true)),
        ("vgg19-bn-cifar", name => VggNets.Cifar(name, 19, batchNorm: true)),
        ("vgg19-cifar", name => VggNets.Cifar(name, 19, batchNorm: false)),
    ];

    /// <summary>The names, sorted.</summary>
    public static IReadOnlyList<string> Names { get; } = Array.ConvertAll(Rows, row => row.Name);

    /// <summary>What a user may not expect of the model of that name; null: nothing.</summary>
    public static string? Note(string name) => name is "alexnet" or "vgg11"
        ? "without the dropout (0.5) that torchvision's has in front of its last linear layers" : null;

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
