namespace Distributed.Protocol;

/// <summary>A part of the data set.</summary>
public enum DataSplit
{
    /// <summary>What is trained on.</summary>
    Training = 0,
    /// <summary>What is held out of the training set to choose by.</summary>
    Validation = 1,
    /// <summary>The data set's own test set.</summary>
    Test = 2,
}
