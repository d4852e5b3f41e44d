using Xunit;

namespace Distributed.Learning.Tests;

public sealed class ModelTests
{
    [Fact]
    public void JsonRoundTrip()
    {
        foreach (var model in ModelCatalogue.Names.Select(ModelCatalogue.Find).Concat(TestModels.Rows))
        {
            Assert.Equal(model, Model.FromJson(model.ToJson(), "a test"));
            Assert.Equal(model, Model.FromJson(model.ToJson(indented: true), "a test"));
        }
    }

    [Fact]
    public void AnotherNumberOfClassesChangesTheLastLayerAlone()
    {
        foreach (Model model in ModelCatalogue.Names.Select(ModelCatalogue.Find))
        {
            Model other = model.WithClasses(7);
            Assert.Equal(7, other.Classes);
            Assert.Equal(model.Layers.Layers.SkipLast(1), other.Layers.Layers.SkipLast(1));
            Assert.Equal(new Linear(7), other.Layers.Layers[^1]);
            Assert.Equal(model, other.WithClasses(model.Classes));
            ParameterLayout.Of(other);
        }
    }

    [Fact]
    public void JsonIsShort() =>
        Assert.Equal(
            """{"name":"m","input":[1,4,6],"classes":10,"layers":[""" +
            """{"type":"conv2d","outChannels":3,"kernel":[2,3],"padding":1},{"type":"maxPool2d","kernel":2},""" +
            """{"type":"flatten"},{"type":"linear","outputs":10,"bias":false}]}""",
            TestModels.Of(
                "m", 1, 4, 6, new Conv2d(3, new Size2d(2, 3)) { Padding = 1 }, new MaxPool2d(2), new Flatten(),
                new Linear(10) { Bias = false }).ToJson());

    [Theory]
    [InlineData("", "x.json: not valid JSON")]
    [InlineData("{\n\"name\": \"m\",\n\"input\": [1, 2 3]}", "x.json: not valid JSON, line 3, column 16: ")]
    [InlineData("[]", "x.json: expected an object {...}, got [].")]
    [InlineData("""{"input":[1,2,3],"classes":2,"layers":[]}""", "x.json: the field \"name\" is missing.")]
    [InlineData("""{"name":"m","name":"n"}""", "x.json: not valid JSON: ")]
    [InlineData("""{"name":"\ud800"}""", "x.json: not valid JSON: a text in it is no valid Unicode.")]
    [InlineData("""{"\udc00":1}""", "x.json: not valid JSON: a text in it is no valid Unicode.")]
    [InlineData("{\"name\":\"m\",\"input\":[\n1,\n2]}",
        "x.json: \"input\" must be [channels, height, width], got [ 1, 2].")]
    [InlineData("""{"name":"m","input":[1,2],"classes":2,"layers":[]}""",
        "x.json: \"input\" must be [channels, height, width], got [1,2].")]
    [InlineData("""{"name":"m","input":[1,2,3],"classes":"two","layers":[]}""",
        "x.json: the field \"classes\" must be a whole number below 2147483648, got \"two\".")]
    [InlineData("""{"name":"m","input":[1,2,3],"classes":2.5,"layers":[]}""",
        "x.json: the field \"classes\" must be a whole number")]
    [InlineData("""{"name":"m","input":[1,2,3],"classes":2,"layers":{}}""",
        "x.json: the field \"layers\" must be an array [...], got {}.")]
    [InlineData("""{"name":"m","input":[1,2,3],"classes":2,"layers":[],"extra":1}""",
        "x.json: unknown field \"extra\"; known here: name, input, classes, layers.")]
    public void MalformedModels(string json, string sentence) =>
        Assert.StartsWith(sentence, Assert.Throws<ModelException>(() => Model.FromJson(json, "x.json")).Message);

    [Theory]
    [InlineData("""{"type":"dense"}""", "x.json, layers[0]: unknown layer type \"dense\"; known: ")]
    [InlineData("""{"outputs":3}""", "x.json, layers[0]: the field \"type\" is missing.")]
    [InlineData("""3""", "x.json, layers[0]: expected an object {...}, got 3.")]
    [InlineData("""{"type":"linear","outputs":10,"units":4}""",
        "x.json, layers[0]: unknown field \"units\"; known here: type, outputs, bias, initialization.")]
    [InlineData("""{"type":"linear"}""", "x.json, layers[0]: the field \"outputs\" is missing.")]
    [InlineData("""{"type":"linear","outputs":10,"bias":1}""",
        "x.json, layers[0]: the field \"bias\" must be true or false, got 1.")]
    [InlineData("""{"type":"conv2d","outChannels":10,"kernel":[1,2,3]}""",
        "x.json, layers[0]: the field \"kernel\" must be a whole number or [height, width], got [1,2,3].")]
    [InlineData("""{"type":"sequential","layers":[{"type":"relu","x":1}]}""",
        "x.json, layers[0], layers[0]: unknown field \"x\"; known here: type.")]
    [InlineData("""{"type":"linear","outputs":10}""",
        "model \"m\", layer 0 (linear): its input 1x5x6 is an image; put a flatten layer in front.")]
    [InlineData("""{"type":"conv2d","outChannels":4,"kernel":6}""",
        "model \"m\", layer 0 (conv2d): its kernel 6x6 is larger than its input 1x5x6; make")]
    [InlineData("""{"type":"maxPool2d","kernel":[4,9],"padding":1}""",
        "model \"m\", layer 0 (maxPool2d): its kernel 4x9 is larger than its input 1x5x6 with its padding 1x1; make")]
    [InlineData("""{"type":"maxPool2d","kernel":2,"padding":2}""",
        "model \"m\", layer 0 (maxPool2d): its padding 2x2 is more than half its kernel 2x2; make it smaller.")]
    [InlineData("""{"type":"maxPool2d","kernel":17,"padding":8}""",
        "model \"m\", layer 0 (maxPool2d): its window 17x17 has more than 256 values; make it smaller.")]
    [InlineData("""{"type":"conv2d","outChannels":6,"kernel":3,"groups":4}""",
        "model \"m\", layer 0 (conv2d): groups must divide its 1 input and 6 output channels, got 4.")]
    [InlineData("""{"type":"conv2d","outChannels":0,"kernel":3}""",
        "model \"m\", layer 0 (conv2d): outChannels must be between 1 and 1048576, got 0.")]
    [InlineData("""{"type":"conv2d","outChannels":1,"kernel":0}""",
        "model \"m\", layer 0 (conv2d): kernel must be between 1 and 1048576, got 0x0.")]
    [InlineData("""{"type":"conv2d","outChannels":1,"kernel":3,"stride":0}""",
        "model \"m\", layer 0 (conv2d): stride must be between 1")]
    [InlineData("""{"type":"conv2d","outChannels":1,"kernel":3,"padding":-1}""",
        "model \"m\", layer 0 (conv2d): padding must be between 0")]
    [InlineData("""{"type":"conv2d","outChannels":2147483647,"kernel":3}""",
        "model \"m\", layer 0 (conv2d): outChannels must be between 1 and 1048576, got 2147483647.")]
    [InlineData("""{"type":"conv2d","outChannels":1048576,"kernel":1048576,"padding":1048575}""",
        "model \"m\", layer 0 (conv2d): the model has more than 1073741824 parameters; make it smaller.")]
    [InlineData("""{"type":"conv2d","outChannels":1048576,"kernel":31,"padding":30}""",
        "model \"m\": the output of layer 0 (conv2d) has 1321205760 values a sample; at most 268435456 ")]
    [InlineData("""{"type":"conv2d","outChannels":1,"kernel":3,"initialization":1e300}""",
        "x.json, layers[0]: initialization must be within 3.4028235E+38 of 0, got 1E+300.")]
    [InlineData("""{"type":"conv2d","outChannels":1,"kernel":3,"padding":3}""",
        "model \"m\", layer 0 (conv2d): its padding 3x3 must be less than its kernel 3x3; make it smaller.")]
    [InlineData("""{"type":"depthwiseConv2d","kernel":[3,1],"padding":1}""",
        "model \"m\", layer 0 (depthwiseConv2d): its padding 1x1 must be less than its kernel 3x1; make it smaller.")]
    [InlineData("""{"type":"concat","branches":[[],{"type":"relu"}]}""",
        "x.json, layers[0], branches[1]: expected an array of layers [...], got ")]
    [InlineData("""{"type":"concat","branches":[[{"type":"relu","x":1}]]}""",
        "x.json, layers[0], branches[0][0]: unknown field \"x\"; known here: type.")]
    [InlineData("""{"type":"concat","branches":[[]]}""",
        "model \"m\", layer 0 (concat): it has 1 branches; give it two or more.")]
    [InlineData("""{"type":"concat","branches":[[],[{"type":"flatten"}]]}""",
        "model \"m\", layer 0 (concat): the output of branch 1 is flat; put flatten behind the concat.")]
    [InlineData("""{"type":"concat","branches":[[],[{"type":"maxPool2d","kernel":2}]]}""",
        "model \"m\", layer 0 (concat): the output 1x2x3 of branch 1 isn't as high and wide as branch 0's 1x5x6; make")]
    [InlineData("""{"type":"relu"}""",
        "model \"m\": no layer has parameters, so there is nothing to train; add a linear layer.")]
    [InlineData("""{"type":"conv2d","outChannels":4,"kernel":3}""",
        "model \"m\": the last layer's output 4x3x4 is an image; end with flatten and linear.")]
    [InlineData("""{"type":"flatten"},{"type":"linear","outputs":9}""",
        "model \"m\": it has 10 classes but its last layer has 9 outputs; make them equal.")]
    [InlineData("""{"type":"flatten"},{"type":"conv2d","outChannels":4,"kernel":3}""",
        "model \"m\", layer 1 (conv2d): its input is flat (30 features); put it in front of the flatten layer.")]
    public void MistakesInLayers(string layers, string sentence)
    {
        var json = $$"""{"name":"m","input":[1,5,6],"classes":10,"layers":[{{layers}}]}""";
        var where = sentence.StartsWith("x.json", StringComparison.Ordinal) ? "" : "x.json: ";
        Assert.StartsWith(
            where + sentence, Assert.Throws<ModelException>(() => Model.FromJson(json, "x.json")).Message);
    }

    [Theory]
    [InlineData("""{"type":"batchNorm2d","epsilon":0}""",
        "model \"m\", layer 0 (batchNorm2d): epsilon must be above 0, got 0.")]
    [InlineData("""{"type":"batchNorm2d","momentum":1.5}""",
        "model \"m\", layer 0 (batchNorm2d): momentum must be above 0 and at most 1, got 1.5.")]
    [InlineData("""{"type":"avgPool2d","kernel":2,"padding":2}""",
        "model \"m\", layer 0 (avgPool2d): its padding 2x2 is more than half its kernel 2x2; make it smaller.")]
    [InlineData("""{"type":"residual","body":[]}""",
        "model \"m\", layer 0 (residual): its body has no layer; give it one.")]
    [InlineData("""{"type":"residual","body":[{"type":"conv2d","outChannels":4,"kernel":1}]}""",
        "model \"m\", layer 0 (residual): its body's output 4x5x6 can't be added to its shortcut's 1x5x6; let the ")]
    [InlineData("""{"type":"residual","body":[{"type":"relu"}],"shortcut":[{"type":"relu","x":1}]}""",
        "x.json, layers[0], shortcut[0]: unknown field \"x\"; known here: type.")]
    public void MistakesInNormsAndResiduals(string layers, string sentence) => MistakesInLayers(layers, sentence);

    [Theory]
    [InlineData("[0,5,5]", 10, "model \"m\": input channels must be between 1 and 1048576, got 0.")]
    [InlineData("[1,-5,5]", 10, "model \"m\": input height must be between 1 and 1048576, got -5.")]
    [InlineData("[1048576,1048576,1048576]", 10,
        "model \"m\": its input has 1152921504606846976 values a sample; at most 268435456 are possible.")]
    [InlineData("[1,5,5]", 0, "model \"m\": classes must be between 1 and 1048576, got 0.")]
    public void MistakesInSizes(string input, int classes, string sentence)
    {
        var json = $$"""{"name":"m","input":{{input}},"classes":{{classes}},"layers":[{"type":"flatten"}]}""";
        Assert.Equal(
            $"x.json: {sentence}", Assert.Throws<ModelException>(() => Model.FromJson(json, "x.json")).Message);
    }

    [Fact]
    public void DeepAndLongTextsAreRefused()
    {
        var deep = string.Concat(Enumerable.Repeat("""{"type":"sequential","layers":[""", 500));
        Assert.Throws<ModelException>(() => Model.FromJson($$"""{"name":"m","layers":[{{deep}}""", "x.json"));
        Assert.Throws<ModelException>(() => Model.FromJson(new string(' ', 5 << 20), "x.json"));
        Assert.Throws<ModelException>(
            () => TestModels.Of("m", 1, 2, 2, [.. Enumerable.Repeat(new Relu(), 3_000)]).Check());
    }

    [Fact]
    public void TooLargeAMicroBatchIsRefused() =>
        Assert.Contains(
            "make the micro-batch or the model smaller",
            Assert.Throws<ModelException>(
                () => ExecutionPlan.Compile(ModelCatalogue.Find("convnet"), 1 << 20)).Message);

    [Fact]
    public void UnknownNameListsTheKnownOnes() =>
        Assert.StartsWith(
            "unknown model \"resnet\"; known: alexnet, convnet, ",
            Assert.Throws<ModelException>(() => ModelCatalogue.Find("resnet")).Message);

    [Fact]
    public void SummaryRows()
    {
        var plan = ExecutionPlan.Compile(ModelCatalogue.Find("convnet"), 32);
        Assert.Equal(12, plan.Layers.Count);
        Assert.Equal(
            new LayerSummary("0", "conv2d", new TensorShape(32, 26, 26, false), 320, 32 * 9 * 26 * 26), plan.Layers[0]);
        Assert.Equal(new LayerSummary("2", "maxPool2d", new TensorShape(32, 13, 13, false), 0, 0), plan.Layers[2]);
        Assert.Equal(new LayerSummary("9", "linear", TensorShape.Features(64), 36928, 36864), plan.Layers[9]);
        Assert.Equal("64x3x3", plan.Layers[7].Output.ToString());
        Assert.Equal("576", plan.Layers[8].Output.ToString());
        Assert.Equal(plan.Parameters.Count, plan.Layers.Sum(layer => layer.Parameters));
        Assert.Equal(194_688 + 2_230_272 + 331_776 + 36_864 + 640, plan.MultiplyAdds);
    }
}
