#!/usr/bin/python3
"""Makes png/*.png, one of every colour type, depth and interlacing, all five filters in each, and png/expected.txt with the
size and the SHA-256 of the 8-bit pixels (transparency laid on black). Where Pillow decodes a file exactly it must agree. png/resized.txt has the
same of Pillow's bilinear reductions and enlargements."""
import hashlib, os, struct, zlib
from PIL import Image

W, H = 13, 11
PASSES = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
COLORS = {"grey": (0, 1, (1, 2, 4, 8, 16)), "rgb": (2, 3, (8, 16)), "palette": (3, 1, (1, 2, 4, 8)),
          "grey-alpha": (4, 2, (8, 16)), "rgba": (6, 4, (8, 16))}
PALETTE = [((i * 37 + 11) % 256, (i * 101 + 200) % 256, (i * 59 + 5) % 256) for i in range(256)]
here = os.path.join(os.path.dirname(os.path.abspath(__file__)), "png")


def sample(x, y, c, depth):
    return ((x * 7919 + y * 104729 + c * 1299709 + 12345) * 2654435761 % 2**32) >> (32 - depth)


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def pack(samples, depth):
    bits = "".join(format(s, f"0{depth}b") for s in samples)
    bits += "0" * (-len(bits) % 8)
    return bytes(int(bits[i:i + 8], 2) for i in range(0, len(bits), 8))


def paeth(a, b, c):
    p = a + b - c
    return min((abs(p - a), 0, a), (abs(p - b), 1, b), (abs(p - c), 2, c))[2]


def filtered(kind, row, above, step):
    out = bytearray([kind])
    for i, value in enumerate(row):
        a, b, c = row[i - step] if i >= step else 0, above[i], above[i - step] if i >= step else 0
        out.append((value - (0, a, b, (a + b) // 2, paeth(a, b, c))[kind]) % 256)
    return bytes(out)


def to8(value, depth):
    return (2 * value * 255 + (2**depth - 1)) // (2 * (2**depth - 1))


def write(name, color, count, depth, interlaced, extra=b"", transparent=None):
    raw, kind = b"", 0
    for x0, y0, dx, dy in PASSES if interlaced else [(0, 0, 1, 1)]:
        above = None
        for y in range(y0, H, dy):
            row = pack([sample(x, y, c, depth) for x in range(x0, W, dx) for c in range(count)], depth)
            if row:
                raw += filtered(kind % 5, row, above or bytes(len(row)), max(1, count * depth // 8))
                above, kind = row, kind + 1
    data = zlib.compress(raw, 9)
    half = len(data) // 2
    body = chunk(b"IHDR", struct.pack(">IIBBBBB", W, H, depth, color, 0, 0, interlaced)) + chunk(b"tEXt", b"Title\0t")
    body += extra + chunk(b"IDAT", data[:half]) + chunk(b"IDAT", data[half:]) + chunk(b"IEND", b"")
    path = os.path.join(here, name + ".png")
    open(path, "wb").write(b"\x89PNG\r\n\x1a\n" + body)

    pixels = bytearray()
    for y in range(H):
        for x in range(W):
            samples, alpha = [sample(x, y, c, depth) for c in range(count)], 255
            if color == 3:
                alpha = transparent[samples[0]] if transparent and samples[0] < len(transparent) else 255
                values = PALETTE[samples[0]]
            else:
                if color in (4, 6):
                    alpha = to8(samples.pop(), depth)
                elif samples == transparent:
                    alpha = 0
                values = [to8(s, depth) for s in samples]
            pixels += bytes((2 * v * alpha + 255) // 510 for v in values)
    channels = 1 if color in (0, 4) else 3
    if depth <= 8 and color in (0, 2, 3) and transparent is None:
        assert Image.open(path).convert("L" if channels == 1 else "RGB").tobytes() == bytes(pixels), name
    return f"{name}.png {W} {H} {channels} {hashlib.sha256(pixels).hexdigest()}"


lines = []
for interlaced in (0, 1):
    for label, (color, count, depths) in COLORS.items():
        for depth in depths:
            plte = chunk(b"PLTE", bytes(v for p in PALETTE[:2**depth] for v in p)) if color == 3 else b""
            lines.append(write(f"{label}-{depth}" + "-interlaced" * interlaced, color, count, depth, interlaced, plte))
grey, rgb = [sample(3, 4, 0, 8)], [sample(3, 4, c, 8) for c in range(3)]
lines.append(write("grey-8-transparent", 0, 1, 8, 0, chunk(b"tRNS", struct.pack(">H", *grey)), grey))
lines.append(write("rgb-8-transparent", 2, 3, 8, 0, chunk(b"tRNS", struct.pack(">HHH", *rgb)), rgb))
alphas = [0, 40, 128]
plte = chunk(b"PLTE", bytes(v for p in PALETTE[:16] for v in p))
lines.append(write("palette-4-transparent", 3, 1, 4, 0, plte + chunk(b"tRNS", bytes(alphas)), alphas))
open(os.path.join(here, "expected.txt"), "w").write("\n".join(lines) + "\n")

lines = []
image = Image.open(os.path.join(here, "rgb-8.png"))
for width, height in ((28, 28), (7, 5), (5, 28), (13, 4), (1, 1)):
    small = image.resize((width, height), Image.BILINEAR)
    lines.append(f"rgb-8.png {width} {height} 3 {hashlib.sha256(small.tobytes()).hexdigest()}")
open(os.path.join(here, "resized.txt"), "w").write("\n".join(lines) + "\n")
