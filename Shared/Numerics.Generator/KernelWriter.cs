using System.Text;

namespace Distributed.Numerics.Generator;

/// <summary>Writes one micro-kernel. Accumulator c{r}_{v} holds lanes of vector v of output row r.</summary>
internal sealed class KernelWriter
{
    private readonly KernelFamily _family;
    private readonly int _rows;
    private readonly StringBuilder _code;

    public KernelWriter(KernelFamily family, int rows, StringBuilder code)
    {
        _family = family;
        _rows = rows;
        _code = code;
    }

    public void Write()
    {
        Line(1, "[MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]");
        Line(1, $"private static void {_family.Name}x{_rows}(");
        Line(2, "TileLoop* loop, float* a, nint* aRows, float* b, float* o, nint* oRows, int columns, float* bias)");
        Line(1, "{");
        WriteStart();
        WriteLoops();
        WriteEnd();
        Line(1, "}");
    }

    private void WriteStart()
    {
        for (int r = 0; r < _rows; r++)
            Line(2, $"float* p{r} = a + aRows[{r}];");
        Each((r, v) => Line(2, $"{_family.Type} c{r}_{v};"));
        Line(2, "if (loop->Accumulate)");
        Line(2, "{");
        Line(3, $"if (columns == {_family.Lanes * _family.Vectors})");
        Line(3, "{");
        Each((r, v) => Line(4, $"c{r}_{v} = {_family.Vector}.Load(o + oRows[{r}]{Offset(v)});"));
        Line(3, "}");
        Line(3, "else");
        Line(3, "{");
        WriteMasks(4);
        Each((r, v) => Line(4, $"c{r}_{v} = {_family.MaskLoad($"o + oRows[{r}]{Offset(v)}", $"mask{v}")};"));
        Line(3, "}");
        Line(2, "}");
        Line(2, "else if (bias == null)");
        Line(2, "{");
        Each((r, v) => Line(3, $"c{r}_{v} = {_family.Type}.Zero;"));
        Line(2, "}");
        Line(2, "else");
        Line(2, "{");
        WriteMasks(3);
        for (int v = 0; v < _family.Vectors; v++)
            Line(3, $"c0_{v} = {_family.MaskLoad($"bias{Offset(v)}", $"mask{v}")};");
        for (int r = 1; r < _rows; r++)
            for (int v = 0; v < _family.Vectors; v++)
                Line(3, $"c{r}_{v} = c0_{v};");
        Line(2, "}");
    }

    private void WriteLoops()
    {
        Line(2, "nint aStep = loop->AStep, bStep = loop->BStep * sizeof(float), i = 0, outer = loop->Outer;");
        Line(2, "do");
        Line(2, "{");
        Line(3, "nint middle = loop->Middle;");
        Line(3, "do");
        Line(3, "{");
        Line(4, "nint inner = loop->Inner;");
        Line(4, "do");
        Line(4, "{");
        for (int v = 0; v < _family.Vectors; v++)
            Line(5, $"{_family.Type} b{v} = {_family.Vector}.Load(b{Offset(v)});");
        for (int r = 0; r < _rows; r++)
        {
            Line(5, $"{_family.Type} x{r} = {_family.Vector}.Create(p{r}[i]);");
            for (int v = 0; v < _family.Vectors; v++)
                Line(5, $"c{r}_{v} = {_family.MultiplyAdd}(x{r}, b{v}, c{r}_{v});");
        }
        Line(5, "i += aStep;");
        Line(5, "b = (float*)((byte*)b + bStep);");
        Line(4, "}");
        Line(4, "while (--inner != 0);");
        Line(4, "i += loop->AMiddle;");
        Line(4, "b += loop->BMiddle;");
        Line(3, "}");
        Line(3, "while (--middle != 0);");
        Line(3, "i += loop->AOuter;");
        Line(3, "b += loop->BOuter;");
        Line(2, "}");
        Line(2, "while (--outer != 0);");
    }

    private void WriteEnd()
    {
        Line(2, "if (loop->Relu)");
        Line(2, "{");
        Each((r, v) => Line(3, $"c{r}_{v} = {_family.Vector}.ConditionalSelect({_family.Vector}.LessThanOrEqual("
            + $"c{r}_{v}, {_family.Type}.Zero), {_family.Type}.Zero, c{r}_{v});"));
        Line(2, "}");
        Line(2, $"if (columns == {_family.Lanes * _family.Vectors})");
        Line(2, "{");
        Each((r, v) => Line(3, $"c{r}_{v}.Store(o + oRows[{r}]{Offset(v)});"));
        Line(2, "}");
        Line(2, "else");
        Line(2, "{");
        WriteMasks(3);
        Each((r, v) => Line(3, $"{_family.MaskStore($"o + oRows[{r}]{Offset(v)}", $"mask{v}", $"c{r}_{v}")};"));
        Line(2, "}");
    }

    /// <summary>mask{v}: all ones in the lanes of vector v that are below the number of columns.</summary>
    private void WriteMasks(int indent)
    {
        for (int v = 0; v < _family.Vectors; v++)
            Line(indent, $"{_family.Type} mask{v} = {_family.Vector}.LessThan({_family.Vector}<int>.Indices, "
                + $"{_family.Vector}.Create(columns - {v * _family.Lanes})).AsSingle();");
    }

    private string Offset(int vector) => vector == 0 ? "" : $" + {vector * _family.Lanes}";

    private void Each(Action<int, int> action)
    {
        for (int r = 0; r < _rows; r++)
            for (int v = 0; v < _family.Vectors; v++)
                action(r, v);
    }

    private void Line(int indent, string text) => _code.Append(' ', indent * 4).AppendLine(text);
}
