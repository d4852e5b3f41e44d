using Distributed.Data;
using Distributed.Protocol;

namespace Distributed.Execution;

/// <summary>A run's data set, as coordinator and worker speak of it.</summary>
public static class RunSamples
{
    /// <summary>What a coordinator says of its data set.</summary>
    public static SamplesOffer Offer(DatasetDescription data) => new(
        data.Name, data.Sha256, data.Channels, data.Height, data.Width, data.TrainCount, data.TestCount, data.Held,
        [.. data.ClassNames]);

    /// <summary>What a worker is to look for, or to receive.</summary>
    public static DatasetDescription Describe(SamplesOffer offer) => new(
        offer.Name, offer.Sha256, offer.Channels, offer.Height, offer.Width, offer.TrainCount, offer.TestCount,
        offer.Held, offer.ClassNames);
}
