using System.Text;

namespace Distributed.Numerics.Generator;

/// <summary>Writes one kernel of a dense matrix product. Accumulator c{r}_{v} holds vector v of output row r.</summary>
internal sealed class MatrixKernelWriter
{
    // Rows that share a base pointer: [p], [p + row] and [p + 2 row] are addresses that an instruction can name.
    private const int RowsAPointer = 3;

    private const int LineFloats = 16;

    private readonly KernelFamily _family;
    private readonly int _rows;
    private readonly StringBuilder _code;

    public MatrixKernelWriter(KernelFamily family, int rows, StringBuilder code)
    {
        _family = family;
        _rows = rows;
        _code = code;
    }

    private int Lines => (_family.Vectors * _family.Lanes + LineFloats - 1) / LineFloats;

    private string Whole => $"columns == {_family.Lanes * _family.Vectors}";

    public void Write()
    {
        Line(1, "[MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]");
        Line(1, $"private static void {_family.Name}x{_rows}(");
        Line(2, "MatrixTile* tile, float* a, float* b, float* o, int columns, float* bias)");
        Line(1, "{");
        Line(2, "nint aRow = tile->ARow * sizeof(float), aStep = tile->AStep * sizeof(float);");
        Line(2, "nint bStep = tile->BStep * sizeof(float), oRow = tile->ORow, remaining = tile->Steps;");
        for (int r = 0; r < _rows; r += RowsAPointer)
            Line(2, $"byte* p{r} = (byte*)a + {r} * aRow;");
        Line(2, "float* next = tile->Next;");
        Line(2, "nint nextStep = tile->NextStep * sizeof(float);");
        Line(2, "float* row = o;");
        EachRow(2, r =>
        {
            for (int line = 0; line < Lines; line++)
                Line(2, $"Sse.Prefetch0(row + {line * LineFloats});");
        });
        Each((r, v) => Line(2, $"{_family.Type} c{r}_{v};"));
        Line(2, "for (int leaf = 0; ; leaf++)");
        Line(2, "{");
        WriteStart();
        WriteSteps();
        WriteMerges();
        Line(2, "}");
        WriteEnd();
        Line(1, "}");
    }

    private void WriteStart()
    {
        Line(3, "if (tile->Accumulate)");
        Line(3, "{");
        Line(4, $"if ({Whole})");
        Line(4, "{");
        Line(5, "row = o;");
        EachRow(5, (r, v) => Line(5, $"c{r}_{v} = {_family.Vector}.Load({Output(v)});"));
        Line(4, "}");
        Line(4, "else");
        Line(4, "{");
        WriteMasks(5);
        Line(5, "row = o;");
        EachRow(5, (r, v) => Line(5, $"c{r}_{v} = {_family.MaskLoad(Output(v), $"mask{v}")};"));
        Line(4, "}");
        Line(3, "}");
        Line(3, "else if (bias == null)");
        Line(3, "{");
        Each((r, v) => Line(4, $"c{r}_{v} = {_family.Type}.Zero;"));
        Line(3, "}");
        Line(3, "else");
        Line(3, "{");
        WriteMasks(4);
        for (int v = 0; v < _family.Vectors; v++)
            Line(4, $"c0_{v} = {_family.MaskLoad($"bias + {v * _family.Lanes}", $"mask{v}")};");
        for (int r = 1; r < _rows; r++)
            for (int v = 0; v < _family.Vectors; v++)
                Line(4, $"c{r}_{v} = c0_{v};");
        Line(3, "}");
    }

    private void WriteSteps()
    {
        Line(3, "nint steps = remaining < tile->LeafSteps ? remaining : tile->LeafSteps;");
        Line(3, "remaining -= steps;");
        Line(3, "do");
        Line(3, "{");
        for (int v = 0; v < _family.Vectors; v++)
            Line(4, $"{_family.Type} b{v} = {_family.Vector}.Load(b + {v * _family.Lanes});");
        for (int line = 0; line < Lines; line++)
            Line(4, $"Sse.Prefetch1(next + {line * LineFloats});");
        for (int r = 0; r < _rows; r++)
        {
            string row = (r % RowsAPointer) switch { 0 => "", 1 => " + aRow", _ => " + 2 * aRow" };
            Line(4, $"{_family.Type} x{r} = {_family.Vector}.Create(*(float*)(p{r - r % RowsAPointer}{row}));");
            for (int v = 0; v < _family.Vectors; v++)
                Line(4, $"c{r}_{v} = {_family.MultiplyAdd}(x{r}, b{v}, c{r}_{v});");
        }
        for (int r = 0; r < _rows; r += RowsAPointer)
            Line(4, $"p{r} += aStep;");
        Line(4, "b = (float*)((byte*)b + bStep);");
        Line(4, "next = (float*)((byte*)next + nextStep);");
        Line(3, "}");
        Line(3, "while (--steps != 0);");
    }

    /// <summary>Adds what the tree of leaves holds so far; all of it behind the last leaf.</summary>
    private void WriteMerges()
    {
        Line(3, "int depth = LeafTree.Depth(leaf);");
        Line(3, "for (int merges = LeafTree.Merges(leaf, remaining == 0); merges != 0; merges--)");
        Line(3, "{");
        Line(4, "float* left = tile->Sums + --depth * MatrixTile.Floats;");
        Each((r, v) => Line(4, $"c{r}_{v} = {_family.Vector}.Load(left{Sum(r, v)}) + c{r}_{v};"));
        Line(3, "}");
        Line(3, "if (remaining == 0)");
        Line(4, "break;");
        Line(3, "float* sum = tile->Sums + depth * MatrixTile.Floats;");
        Each((r, v) => Line(3, $"c{r}_{v}.Store(sum{Sum(r, v)});"));
    }

    private void WriteEnd()
    {
        Line(2, "if (tile->Relu)");
        Line(2, "{");
        Each((r, v) => Line(3, $"c{r}_{v} = {_family.Vector}.ConditionalSelect({_family.Vector}.LessThanOrEqual("
            + $"c{r}_{v}, {_family.Type}.Zero), {_family.Type}.Zero, c{r}_{v});"));
        Line(2, "}");
        Line(2, "row = o;");
        Line(2, $"if ({Whole})");
        Line(2, "{");
        EachRow(3, (r, v) => Line(3, $"c{r}_{v}.Store({Output(v)});"));
        Line(2, "}");
        Line(2, "else");
        Line(2, "{");
        WriteMasks(3);
        EachRow(3, (r, v) => Line(3, $"{_family.MaskStore(Output(v), $"mask{v}", $"c{r}_{v}")};"));
        Line(2, "}");
    }

    private string Sum(int row, int vector) => $" + {(row * _family.Vectors + vector) * _family.Lanes}";

    private string Output(int vector) => $"row + {vector * _family.Lanes}";

    /// <summary>mask{v}: all ones in the lanes of vector v that are below the number of columns.</summary>
    private void WriteMasks(int indent)
    {
        for (int v = 0; v < _family.Vectors; v++)
            Line(indent, $"{_family.Type} mask{v} = {_family.Vector}.LessThan({_family.Vector}<int>.Indices, "
                + $"{_family.Vector}.Create(columns - {v * _family.Lanes})).AsSingle();");
    }

    /// <summary>Writes something for every row, at which <c>row</c> points meanwhile.</summary>
    private void EachRow(int indent, Action<int> action)
    {
        for (int r = 0; r < _rows; r++)
        {
            action(r);
            if (r < _rows - 1)
                Line(indent, "row += oRow;");
        }
    }

    private void EachRow(int indent, Action<int, int> action) => EachRow(indent, r =>
    {
        for (int v = 0; v < _family.Vectors; v++)
            action(r, v);
    });

    private void Each(Action<int, int> action)
    {
        for (int r = 0; r < _rows; r++)
            for (int v = 0; v < _family.Vectors; v++)
                action(r, v);
    }

    private void Line(int indent, string text) => _code.Append(' ', indent * 4).AppendLine(text);
}
