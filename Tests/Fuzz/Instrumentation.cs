using Mono.Cecil;
using Mono.Cecil.Cil;
using Mono.Cecil.Rocks;

namespace Distributed.Fuzz;

/// <summary>Copies the program with its assemblies changed so that every basic block of the product's readers calls
/// <see cref="Coverage.Hit"/>.</summary>
internal static class Instrumentation
{
    private static readonly string[] Instrumented =
    [
        "Distributed.Protocol.dll", "Distributed.Checkpoints.dll", "Distributed.Data.dll", "Distributed.Learning.dll",
        "Distributed.Execution.dll", "Distributed.Runtime.dll", "coordinator.dll",
    ];

    /// <summary>Makes the copy in a folder that is new or may be overwritten.</summary>
    public static void Copy(string from, string to)
    {
        Directory.CreateDirectory(to);
        foreach (string path in Directory.EnumerateFiles(from, "*", SearchOption.AllDirectories))
        {
            string target = Path.Combine(to, Path.GetRelativePath(from, path));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(path, target, overwrite: true);
        }

        Random random = new(1);
        foreach (string name in Instrumented)
        {
            using ModuleDefinition module = ModuleDefinition.ReadModule(Path.Combine(from, name));
            MethodReference hit = module.ImportReference(typeof(Coverage).GetMethod(nameof(Coverage.Hit)));
            foreach (MethodDefinition method in module.GetTypes().SelectMany(type => type.Methods))
            {
                if (method.HasBody) Instrument(method.Body, hit, random);
            }

            module.Write(Path.Combine(to, name));
        }
    }

    private static void Instrument(MethodBody body, MethodReference hit, Random random)
    {
        body.SimplifyMacros(); // short jumps may not reach any more
        ILProcessor code = body.GetILProcessor();
        foreach (Instruction start in Starts(body).ToList())
        {
            // The instruction itself becomes the call, so that what jumps to it comes by.
            Instruction moved = Instruction.Create(OpCodes.Nop);
            (moved.OpCode, moved.Operand) = (start.OpCode, start.Operand);
            code.InsertAfter(start, moved);
            code.InsertAfter(start, code.Create(OpCodes.Call, hit));
            (start.OpCode, start.Operand) = (OpCodes.Ldc_I4, random.Next(1 << 16));
        }

        body.OptimizeMacros();
    }

    /// <summary>Where control may come from elsewhere: the first instruction, and the targets and what follows of
    /// jumps.</summary>
    private static HashSet<Instruction> Starts(MethodBody body)
    {
        HashSet<Instruction> starts = [body.Instructions[0]];
        foreach (Instruction instruction in body.Instructions)
        {
            if (instruction.Operand is Instruction target) starts.Add(target);
            if (instruction.Operand is Instruction[] targets) starts.UnionWith(targets);
            if (instruction.OpCode.FlowControl == FlowControl.Cond_Branch && instruction.Next is { } next)
                starts.Add(next);
        }

        foreach (ExceptionHandler handler in body.ExceptionHandlers)
        {
            if (handler.HandlerStart is { } start) starts.Add(start);
        }

        return starts;
    }
}
