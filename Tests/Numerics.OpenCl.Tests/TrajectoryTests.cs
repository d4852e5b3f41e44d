using Distributed.Learning;
using Xunit;

namespace Distributed.Numerics.OpenCl.Tests;

/// <summary>
/// A network is trained on the CPU and on the device side by side, each by its own gradients: their losses stay
/// together, though every step's difference in rounding goes into the next.
/// </summary>
public sealed class TrajectoryTests
{
    private const string All = "DISTRIBUTED_OPENCL_ALL";
    private const int Samples = 16;

    [DeviceFact]
    public void ConvnetLearnsAsOnTheCpu() => AssertLearnsAlike("convnet", steps: 12, rate: 0.05f, bound: 1e-3);

    /// <summary>
    /// Batch norms of small micro-batches make more of every difference, so the steps are smaller here.
    /// </summary>
    [AllDeviceFact]
    public void Resnet20LearnsAsOnTheCpu() => AssertLearnsAlike("resnet20", steps: 8, rate: 0.01f, bound: 1e-2);

    private static void AssertLearnsAlike(string model, int steps, float rate, double bound)
    {
        using PlanPair pair = new(ModelCatalogue.Find(model), Samples);
        float[] parameters = new float[pair.Plan.Parameters.Length];
        pair.Plan.Parameters.Initialize(seed: 1, parameters);
        float[] onDevice = [.. parameters];
        pair.Load(Samples);
        pair.AssertTrainsAlike(Samples, labelSmoothing: 0, default);
        double first = 0, last = 0;
        for (int step = 0; step < steps; step++)
        {
            pair.Load(Samples, first: Samples * (step % 2));
            last = Step(pair.Host, pair.Plan, parameters, rate);
            double found = Step(pair.Device, pair.Plan, onDevice, rate);
            if (step == 0) first = last;
            Assert.True(
                Math.Abs(found - last) <= bound * last, $"step {step}: the loss is {found}, on the CPU {last}");
        }

        Assert.True(last < 0.9 * first, $"nothing was learned: the loss went from {first} to {last}");
    }

    /// <summary>One step of gradient descent; the loss before it.</summary>
    private static double Step(PlanSide side, ExecutionPlan plan, float[] parameters, float rate)
    {
        var (result, gradient) = side.Train(parameters, Samples);
        foreach (ParameterEntry entry in plan.Parameters.Trainable)
        {
            for (int i = entry.Offset; i < entry.Offset + entry.Length; i++)
                parameters[i] -= rate / Samples * gradient[i];
        }

        return result.LossSum / result.Samples;
    }

    /// <summary>A test of many kernels, which take PoCL minutes to compile; it is run where it is asked for.</summary>
    private sealed class AllDeviceFactAttribute : FactAttribute
    {
        public AllDeviceFactAttribute() => Skip = TestDevice.Reason
            ?? (Environment.GetEnvironmentVariable(All) == "1" ? null : $"compiles many kernels; runs with {All}=1");
    }
}
