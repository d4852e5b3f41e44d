using Distributed.Learning;
using Xunit;

namespace Distributed.Numerics.OpenCl.Tests;

/// <summary>A plan on one side, the CPU's or a device's, with its gradient block.</summary>
internal sealed class PlanSide(Workspace workspace, int gradientLength, Func<float[], float[]> prepare) : IDisposable
{
    public Workspace Workspace { get; } = workspace;

    public (MicroBatchResult Result, float[] Gradient) Train(
        float[] parameters, int samples, float labelSmoothing = 0, SampleKeys keys = default)
    {
        float[] gradient = new float[gradientLength];
        Array.Fill(gradient, float.NaN);
        MicroBatchResult result =
            Workspace.Train(parameters, prepare(parameters), samples, labelSmoothing, gradient, keys);
        return (result, gradient);
    }

    public MicroBatchResult Evaluate(float[] parameters, int samples, Span<int> predictions) =>
        Workspace.Evaluate(parameters, prepare(parameters), samples, predictions);

    public void Dispose() => Workspace.Dispose();
}

/// <summary>A model's plan on the CPU and on the device, on the same samples.</summary>
internal sealed class PlanPair : IDisposable
{
    private readonly DevicePlan _device;

    public PlanPair(Model model, int microBatch)
    {
        Plan = ExecutionPlan.Compile(model, microBatch);
        ExecutionPlan plan = ExecutionPlan.Compile(model, microBatch, target: PlanTarget.Device);
        _device = new DevicePlan(plan, TestDevice.Device);
        Host = new PlanSide(Plan.CreateWorkspace(training: true), Plan.Parameters.GradientLength, Prepare);
        Device = new PlanSide(_device.CreateWorkspace(), Plan.Parameters.GradientLength, Upload);
        Parameters = new float[Plan.Parameters.Length];
        Plan.Parameters.Initialize(seed: 1, Parameters);
        // Biases off zero, so that a forgotten bias shows.
        foreach (ParameterEntry entry in Plan.Parameters.Entries)
        {
            for (int i = entry.Offset; i < entry.Offset + entry.Length; i++) Parameters[i] += 0.1f * (i % 3 - 1);
        }
    }

    public ExecutionPlan Plan { get; }

    public PlanSide Host { get; }

    public PlanSide Device { get; }

    public float[] Parameters { get; }

    public void Load(int samples, int first = 0)
    {
        int length = Plan.Model.Channels * Plan.Model.Height * Plan.Model.Width;
        for (int s = 0; s < samples; s++)
        {
            CounterRandom random = new(seed: 7, RandomPurpose.Test, sample: first + s);
            for (int i = 0; i < length; i++)
            {
                float value = 2 * random.Uniform((uint)i) - 1;
                (Host.Workspace.Input[s * length + i], Device.Workspace.Input[s * length + i]) = (value, value);
            }

            int label = random.Integer((uint)length, Plan.Model.Classes);
            (Host.Workspace.Labels[s], Device.Workspace.Labels[s]) = (label, label);
        }
    }

    public void AssertTrainsAlike(int samples, float labelSmoothing, SampleKeys keys)
    {
        var (expected, gradient) = Host.Train(Parameters, samples, labelSmoothing, keys);
        var (found, deviceGradient) = Device.Train(Parameters, samples, labelSmoothing, keys);
        Assert.Equal(expected.LossSum, found.LossSum, 1e-4 * samples);
        Assert.Equal((expected.Correct, expected.Samples), (found.Correct, found.Samples));
        double largest = Plan.Parameters.Trainable.Max(
            entry => gradient.AsSpan(entry.Offset, entry.Length).ToArray().Max(Math.Abs));
        for (int i = 0; i < Plan.Parameters.TrainableLength; i++)
        {
            Assert.True(
                Math.Abs(gradient[i] - deviceGradient[i]) <= 1e-4 * largest,
                $"gradient {i} is {deviceGradient[i]}, the CPU's {gradient[i]}");
        }

        // Statistics of batch norms are doubles there; the CPU's own addition compares them all.
        float[] twice = [.. gradient], both = [.. gradient];
        Plan.Parameters.AddGradients(twice, gradient);
        Plan.Parameters.AddGradients(both, deviceGradient);
        float[] moved = [.. Parameters], deviceMoved = [.. Parameters];
        Plan.Parameters.MoveRunningStatistics(moved, twice);
        Plan.Parameters.MoveRunningStatistics(deviceMoved, both);
        for (int i = 0; i < moved.Length; i++) Assert.Equal(moved[i], deviceMoved[i], 1e-4f);
    }

    public void AssertEvaluatesAlike(int samples)
    {
        int[] predictions = new int[samples], devicePredictions = new int[samples];
        MicroBatchResult expected = Host.Evaluate(Parameters, samples, predictions);
        MicroBatchResult found = Device.Evaluate(Parameters, samples, devicePredictions);
        Assert.Equal(expected.LossSum, found.LossSum, 1e-4 * samples);
        Assert.Equal(predictions, devicePredictions);
        Assert.Equal((expected.Correct, expected.TopFive), (found.Correct, found.TopFive));
    }

    public void Dispose()
    {
        Host.Dispose();
        Device.Dispose();
        _device.Dispose();
    }

    private float[] Prepare(float[] parameters)
    {
        float[] prepared = new float[Plan.PreparedLength];
        for (int part = 0; part < Plan.PrepareParts; part++) Plan.Prepare(part, parameters, prepared);
        return prepared;
    }

    private float[] Upload(float[] parameters)
    {
        _device.Prepare(parameters);
        return [];
    }
}
