namespace Distributed.Roles.Coordinator;

/// <summary>
/// Counts how often a run stood still, as PyTorch's <c>ReduceLROnPlateau</c> in mode min: a pure function of its
/// finished epochs, so that a resumed run counts the same.
/// </summary>
/// <param name="Patience">Epochs without improvement that are borne; one more is a reduction.</param>
/// <param name="Threshold">An epoch is better whose loss is below best * (1 - threshold).</param>
public sealed record PlateauRule(int Patience, double Threshold)
{
    /// <summary>
    /// Reductions up to the end of the last epoch. The loss is that of validation, or of training where there is none.
    /// </summary>
    public int Reductions(IReadOnlyList<EpochRecord> history)
    {
        int reductions = 0, bad = 0;
        double best = double.PositiveInfinity;
        foreach (EpochRecord record in history)
        {
            double loss = double.IsNaN(record.ValidationLoss) ? record.TrainLoss : record.ValidationLoss;
            if (loss < best * (1 - Threshold))
            {
                best = loss;
                bad = 0;
            }
            else if (++bad > Patience)
            {
                reductions++;
                bad = 0;
            }
        }

        return reductions;
    }
}
