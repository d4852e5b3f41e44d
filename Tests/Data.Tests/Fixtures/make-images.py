#!/usr/bin/python3
"""Makes images/*: JPEG, BMP, PPM and PGM files of many forms, and images/expected.txt with each one's size, channels and
the SHA-256 of the pixels that Pillow (on libjpeg-turbo) decodes it to."""
import hashlib, os
from PIL import Image

W, H = 21, 17
here = os.path.join(os.path.dirname(os.path.abspath(__file__)), "images")


def picture(mode):
    image = Image.new("RGB", (W, H))
    for y in range(H):
        for x in range(W):
            image.putpixel((x, y), (x * 12, y * 15, (x * 7 + y * 13) % 256) if (x - 9) ** 2 + (y - 8) ** 2 > 20
                           else (250, 40, 90))
    return image.convert(mode)


def main():
    os.makedirs(here, exist_ok=True)
    saves = {
        "rgb-420.jpg": ("RGB", dict(quality=80, subsampling=2)), "rgb-422.jpg": ("RGB", dict(quality=80, subsampling=1)),
        "rgb-444.jpg": ("RGB", dict(quality=90, subsampling=0)), "grey.jpg": ("L", dict(quality=80)),
        "progressive.jpg": ("RGB", dict(quality=80, progressive=True)), "cmyk.jpg": ("CMYK", dict(quality=80)),
        "rgb-24.bmp": ("RGB", {}), "palette-8.bmp": ("P", {}), "grey-8.bmp": ("L", {}), "bits-1.bmp": ("1", {}),
        "rgba-32.bmp": ("RGBA", {}), "raw.ppm": ("RGB", {}), "raw.pgm": ("L", {}),
    }
    with open(os.path.join(here, "expected.txt"), "w") as expected:
        for name, (mode, options) in saves.items():
            path = os.path.join(here, name)
            picture(mode).save(path, **options)
            image = Image.open(path)
            grey = image.mode in ("L", "1") and not name.endswith(".bmp")
            pixels = image.convert("L" if grey else "RGB")
            digest = hashlib.sha256(pixels.tobytes()).hexdigest()
            expected.write(f"{name} {W} {H} {1 if grey else 3} {digest}\n")


main()
