using Distributed.Protocol;
using Xunit;

namespace Distributed.Runtime.Tests;

public class LimitSettingTests
{
    [Fact]
    public void Each_limit_is_set_by_its_own_variable_and_changes_nothing_else()
    {
        foreach (LimitSetting setting in LimitSetting.All)
        {
            ProtocolLimits read = LimitSetting.FromEnvironment(name => name == setting.Variable ? "1024" : null);
            Assert.Equal(1024, setting.Read(read));
            Assert.Equal(1024, typeof(ProtocolLimits).GetProperty(setting.Key)!.GetValue(read));
            Assert.Equal(ProtocolLimits.Default, setting.With(read, setting.Read(ProtocolLimits.Default)));
            Assert.InRange(setting.Read(ProtocolLimits.Default), setting.Least, setting.Most);
        }

        Assert.Equal("DISTRIBUTED_LIMITS_MAX_PENDING_HANDSHAKES",
            LimitSetting.Of(nameof(ProtocolLimits.MaxPendingHandshakes)).Variable);
        Assert.Equal(ProtocolLimits.Default, LimitSetting.FromEnvironment(_ => null));
    }

    [Theory]
    [InlineData("3")]
    [InlineData("1025")]
    [InlineData("deep")]
    [InlineData("-5")]
    public void A_bad_value_is_one_clear_sentence(string value)
    {
        LinkException mistake = Assert.Throws<LinkException>(() => LimitSetting.FromEnvironment(
            name => name == "DISTRIBUTED_LIMITS_MAX_DEPTH" ? value : null));
        Assert.Equal(
            $"DISTRIBUTED_LIMITS_MAX_DEPTH: expected a whole number from 4 to 1024, got '{value}'.", mistake.Message);
    }
}
