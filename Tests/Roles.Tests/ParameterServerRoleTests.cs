using Distributed.Protocol;
using Distributed.Roles.Coordinator;
using Distributed.Roles.ParameterServer;
using Xunit;

namespace Distributed.Roles.Tests;

public sealed class ParameterServerRoleTests
{
    private static readonly Fence Fence = new(3);
    private static readonly WorkerId Worker = new(1);

    private readonly ParameterServerRole _role = new(Fence, new ParameterVersion(10));

    [Fact]
    public void A_step_is_summed_applied_published_and_told_in_this_order()
    {
        Handle(new Subscribe(Worker));
        Handle(new Subscribe(new WorkerId(7)));
        Handle(new CollectStep(new StepNumber(1), 5, 2));
        Assert.IsType<NodeAccepted>(Told(Handle(Node(new TreeNode(2, 3), 1, buffer: 0))));
        List<ParameterServerEffect> effects = Handle(Node(new TreeNode(0, 2), 4, buffer: 1));
        Assert.Equal(new AddGradient(new BufferId(1), new BufferId(0)), effects[0]);
        Assert.Equal(0, Assert.IsType<NodeAccepted>(((TellCoordinator)effects[1]).Input).PendingNodes - 1);
        Assert.Equal(new StepOptimizer(new StepNumber(1), 5, new BufferId(1)), effects[2]);
        Assert.Equal(new PrepareParameters(new ParameterVersion(11), ParameterChoice.Current), effects[3]);
        Assert.Equal(new SendParameters(Worker, new ParameterVersion(11)), effects[4]);
        Assert.Equal(new SendParameters(new WorkerId(7), new ParameterVersion(11)), effects[5]);
        StepApplied applied = Assert.IsType<StepApplied>(((TellCoordinator)effects[6]).Input);
        Assert.Equal(
            new StepApplied(new StepNumber(1), new ParameterVersion(11), new NodeStatistics(5, 2, 2, 20)), applied);
        Assert.Equal(7, effects.Count);
    }

    [Fact]
    public void What_is_late_of_another_step_or_fence_or_twice_is_released_and_counted()
    {
        AssertDropped(Node(TreeNode.Leaf(0), 2, 0));
        Handle(new CollectStep(new StepNumber(2), 4, 2));
        AssertDropped(Node(TreeNode.Leaf(0), 2, 1, step: 1));
        AssertDropped(Node(TreeNode.Leaf(0), 2, 2, step: 3));
        AssertDropped(Node(TreeNode.Leaf(0), 2, 3, step: 2, fence: 2));
        Handle(Node(TreeNode.Leaf(0), 2, 4, step: 2));
        AssertDropped(Node(TreeNode.Leaf(0), 2, 5, step: 2));
    }

    [Theory]
    [InlineData(1, 3, 4, 0)]
    [InlineData(0, 5, 8, 0)]
    [InlineData(2, 2, 0, 0)]
    [InlineData(-1, 1, 4, 0)]
    [InlineData(0, 2, 3, 0)]
    [InlineData(2, 4, 4, 0)]
    [InlineData(0, 1, 2, 3)]
    [InlineData(0, 1, 2, -1)]
    public void A_node_that_cannot_be_ends_the_link(int start, int end, int samples, int correct)
    {
        Handle(new CollectStep(new StepNumber(1), 7, 2));
        List<ParameterServerEffect> effects = Handle(Node(new TreeNode(start, end), samples, 4, correct: correct));
        Assert.Equal(new ReleaseGradient(new BufferId(4)), effects[0]);
        Assert.Equal(Worker, Assert.IsType<EndLink>(effects[1]).Worker);
        Assert.Equal(2, effects.Count);
    }

    [Fact]
    public void A_step_given_up_frees_its_buffers_and_one_that_was_applied_stays_applied()
    {
        Handle(new CollectStep(new StepNumber(1), 4, 2));
        Handle(Node(TreeNode.Leaf(1), 2, 0));
        Assert.Empty(Handle(new GiveUpStep(new StepNumber(2))));
        List<ParameterServerEffect> effects = Handle(new GiveUpStep(new StepNumber(1)));
        Assert.Equal(new ReleaseGradient(new BufferId(0)), effects[0]);
        Assert.Equal(new StepCancelled(new StepNumber(1)), Told([effects[1]]));
        AssertDropped(Node(TreeNode.Leaf(0), 2, 1));
        Handle(new CollectStep(new StepNumber(1), 2, 2));
        Handle(Node(TreeNode.Leaf(0), 2, 2));
        Assert.Empty(Handle(new GiveUpStep(new StepNumber(1))));
    }

    [Fact]
    public void Two_steps_at_a_time_are_a_fault_of_ours()
    {
        Handle(new CollectStep(new StepNumber(1), 4, 2));
        Assert.Throws<InvalidOperationException>(() => Handle(new CollectStep(new StepNumber(2), 4, 2)));
    }

    [Fact]
    public void A_loss_that_is_not_finite_is_not_applied()
    {
        Handle(new CollectStep(new StepNumber(1), 2, 2));
        List<ParameterServerEffect> effects = Handle(Node(TreeNode.Leaf(0), 2, 0, loss: double.NaN));
        Assert.Equal(new DiagnoseNotFinite(new StepNumber(1), new BufferId(0)), effects[^1]);
        Assert.DoesNotContain(effects, effect => effect is StepOptimizer or PrepareParameters);
    }

    [Fact]
    public void Subscribers_get_the_newest_publication_and_all_later_ones_until_they_unsubscribe()
    {
        Assert.Equal([new SendParameters(Worker, new ParameterVersion(10))], Handle(new Subscribe(Worker)));
        List<ParameterServerEffect> effects = Handle(new PublishChoice(ParameterChoice.Best));
        Assert.Equal(new PrepareParameters(new ParameterVersion(11), ParameterChoice.Best), effects[0]);
        Assert.Equal(new SendParameters(Worker, new ParameterVersion(11)), effects[1]);
        Assert.Equal(new ParametersPublished(new ParameterVersion(11), ParameterChoice.Best), Told([effects[2]]));
        Handle(new Unsubscribe(Worker));
        Assert.DoesNotContain(Handle(new PublishChoice(ParameterChoice.Best)), effect => effect is SendParameters);
    }

    private static NodeArrived Node(
        TreeNode node, int samples, int buffer, long step = 1, long fence = 3, int correct = 1, double loss = 1) => new(
            Worker,
            new GradientHeader(new Fence(fence), new StepNumber(step), node, samples, loss, correct, 10, 0),
            new BufferId(buffer));

    private static CoordinatorInput Told(List<ParameterServerEffect> effects) =>
        Assert.IsType<TellCoordinator>(Assert.Single(effects)).Input;

    private void AssertDropped(NodeArrived arrived)
    {
        List<ParameterServerEffect> effects = Handle(arrived);
        NodeDropped dropped = new(Worker, arrived.Header.Node.Count, arrived.Header.ComputeMicroseconds);
        Assert.Equal([new ReleaseGradient(arrived.Buffer), new TellCoordinator(dropped)], effects);
    }

    private List<ParameterServerEffect> Handle(ParameterServerInput input)
    {
        List<ParameterServerEffect> effects = [];
        _role.Handle(input, effects);
        return effects;
    }
}
