using Distributed.Data;
using Distributed.Protocol;
using Xunit;

namespace Distributed.Execution.Tests;

public class RunSamplesTests
{
    [Fact]
    public void WhatIsOfferedIsWhatIsLookedFor()
    {
        DatasetDescription sent = DatasetDescription.Of(TestRun.Data.Dataset);
        SamplesOffer offer = RunSamples.Offer(sent);
        Assert.Equal(("digits", sent.Sha256, 10_000, 2_000), (
            offer.Name, offer.Sha256, offer.TrainCount, offer.TestCount));
        DatasetDescription wanted = RunSamples.Describe(offer);
        Assert.Equal(sent.ClassNames, wanted.ClassNames);
        Assert.Equal(sent, wanted with { ClassNames = sent.ClassNames });
    }

    [Fact]
    public void ADatasetThatIsThereMakesTheSameRun()
    {
        RunSpecification asked = TestRun.Specification("linear");
        RunSpecification loaded = RunData.Load(asked, null).Complete(asked);
        RunSpecification made = RunData.Of(asked, TestRun.Data.Dataset).Complete(asked);
        Assert.Empty(RunSpecification.Differences(loaded, made));
    }
}
