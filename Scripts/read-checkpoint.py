#!/usr/bin/env python3
"""Shows a checkpoint's tensors and computes weightsSha256 again, with Python's own library alone.

read-checkpoint.py FILE            names, shapes and the hash
read-checkpoint.py FILE --torch    also loads every tensor into PyTorch and prints its mean

`tensors(path)` gives (metadata, {name: (shape, bytes)}); torch.frombuffer and numpy.frombuffer take the bytes as they are.
"""
import hashlib, json, struct, sys


def tensors(path):
    with open(path, "rb") as file:
        header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
        data = file.read()
    metadata = header.pop("__metadata__", {})
    assert all(entry["dtype"] == "F32" for entry in header.values()), "only F32 is written"
    return metadata, {name: (entry["shape"], data[slice(*entry["data_offsets"])]) for name, entry in header.items()}


if __name__ == "__main__":
    metadata, found = tensors(sys.argv[1])
    weights = hashlib.sha256()
    for name, (shape, data) in sorted(found.items()):
        line = f"{name} {shape}"
        if not name.startswith("optimizer."):
            weights.update(name.encode() + data)
        if "--torch" in sys.argv[2:]:
            import torch
            line += f" mean {torch.frombuffer(bytearray(data), dtype=torch.float32).reshape(shape).mean().item():.6g}"
        print(line)
    agrees = weights.hexdigest() == metadata.get("weightsSha256")
    print(f"step {metadata.get('step')} epoch {metadata.get('epoch')} fence {metadata.get('fence')}")
    print(f"weightsSha256 {weights.hexdigest()} {'agrees with' if agrees else 'DIFFERS FROM'} the metadata")
    sys.exit(0 if agrees else 1)
