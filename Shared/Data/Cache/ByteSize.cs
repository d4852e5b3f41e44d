using System.Globalization;

namespace Distributed.Data;

/// <summary>Sizes of data for people, in powers of 1000 as <see cref="DatasetOptions.ParseSize"/> reads them.</summary>
public static class ByteSize
{
    private const long Mega = 1_000_000;

    /// <summary>Such as "184 MB"; below a megabyte such as "197 KB".</summary>
    public static string Text(long bytes) => $"{Number(bytes, bytes)} {Unit(bytes)}";

    /// <summary>Such as "40 of 184 MB", in the unit of the whole.</summary>
    public static string Text(long bytes, long whole) => $"{Number(bytes, whole)} of {Text(whole)}";

    private static string Unit(long whole) => whole < Mega ? "KB" : "MB";

    private static string Number(long bytes, long whole) =>
        (bytes / (whole < Mega ? 1000.0 : Mega)).ToString("N0", CultureInfo.InvariantCulture);
}
