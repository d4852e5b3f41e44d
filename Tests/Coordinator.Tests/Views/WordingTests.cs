using Xunit;

namespace Distributed.Coordinator.Tests;

public sealed class WordingTests
{
    [Theory]
    [InlineData(0, "0:00")]
    [InlineData(59.9, "0:59")]
    [InlineData(754, "12:34")]
    [InlineData(3600, "1:00:00")]
    [InlineData(100000, "27:46:40")]
    public void Durations(double seconds, string expected) =>
        Assert.Equal(expected, Wording.Duration(TimeSpan.FromSeconds(seconds)));

    [Theory]
    [InlineData(0, "0 B")]
    [InlineData(1023, "1023 B")]
    [InlineData(1536, "1.5 KiB")]
    [InlineData(38797312, "37.0 MiB")]
    [InlineData(5368709120, "5.0 GiB")]
    public void Bytes(long bytes, string expected) => Assert.Equal(expected, Wording.Bytes(bytes));

    [Fact]
    public void WhatIsUnknownIsADash()
    {
        Assert.Equal("-", Wording.Percent(double.NaN));
        Assert.Equal("-", Wording.Loss(double.NaN));
        Assert.Equal("-", Wording.Duration(null));
    }

    [Theory]
    [InlineData("one two three", 7, "one two|three")]
    [InlineData("one two three", 100, "one two three")]
    [InlineData("unbreakable", 4, "unbr|eaka|ble")]
    [InlineData("one\ntwo", 10, "one|two")]
    [InlineData("", 10, "")]
    public void LongTextIsBrokenBetweenWords(string text, int width, string expected) =>
        Assert.Equal(expected.Split('|'), Wording.Wrap(text, width));

    /// <summary>A file may say anything of the time since it was written.</summary>
    [Fact]
    public void NoTimeIsTooLongForWords() => Assert.NotEmpty(Wording.Seconds(double.MaxValue));
}
