#!/usr/bin/env python3
"""Makes assets/fashion-example: a small, real, imbalanced subset of Fashion-MNIST.

    python3 assets/make_example.py [FOLDER]

FOLDER holds the four .gz files of Fashion-MNIST; the default is where Debian's package dataset-fashion-mnist puts
them. Training and validation images come from its training file, test images from its test file. Which images are
taken follows from SHA-256("seed:part:class:index") alone, so the same files come out on every machine (the PNG bytes
also depend on the Pillow version, the pixels do not).

One greyscale PNG sheet is written for each split and class: tiles of 28 x 28 pixels, 32 in a row, row by row; the
last row is filled up with black. index.csv (split, class, count, sheet) says how many tiles of a sheet are images.
"""
import csv
import gzip
import hashlib
import struct
import sys
from pathlib import Path

from PIL import Image

SEED = 1
SIDE = 28
PER_ROW = 32
# Name, label in Fashion-MNIST, training images. The imbalance ratio is 20.
CLASSES = [("ankle_boot", 9, 400), ("bag", 8, 50), ("sandal", 5, 150), ("sneaker", 7, 1000)]
VALIDATION, TEST = 20, 100


def read_idx(path):
    """The bytes of an IDX file of unsigned bytes, cut into items."""
    raw = gzip.decompress(path.read_bytes())
    zero, kind, dimensions = struct.unpack_from(">HBB", raw)
    if zero != 0 or kind != 8:
        raise SystemExit(f"not an IDX file of bytes: {path}")
    shape = struct.unpack_from(f">{dimensions}I", raw, 4)
    data = raw[4 + 4 * dimensions:]
    size = len(data) // shape[0]
    return [data[i * size:(i + 1) * size] for i in range(shape[0])]


def chosen(labels, part, label, count):
    """Positions of `count` images of one label, in the order of their hashes."""
    positions = [i for i, value in enumerate(labels) if value[0] == label]
    positions.sort(key=lambda i: hashlib.sha256(f"{SEED}:{part}:{label}:{i}".encode()).digest())
    return positions[:count]


def sheet(images):
    rows = -(-len(images) // PER_ROW)
    canvas = Image.new("L", (PER_ROW * SIDE, rows * SIDE))
    for n, pixels in enumerate(images):
        tile = Image.frombytes("L", (SIDE, SIDE), pixels)
        canvas.paste(tile, (n % PER_ROW * SIDE, n // PER_ROW * SIDE))
    return canvas


def main():
    source = Path(sys.argv[1] if len(sys.argv) > 1 else "/usr/share/datasets/fashion-mnist")
    target = Path(__file__).resolve().parent / "fashion-example"
    target.mkdir(exist_ok=True)
    files = {part: (read_idx(source / f"{part}-images-idx3-ubyte.gz"), read_idx(source / f"{part}-labels-idx1-ubyte.gz"))
             for part in ("train", "t10k")}
    rows = []
    for name, label, train in CLASSES:
        images, labels = files["train"]
        # Validation is taken after training from one order, so the two never share an image.
        order = chosen(labels, "train", label, train + VALIDATION)
        test_images, test_labels = files["t10k"]
        parts = {
            "train": [images[i] for i in order[:train]],
            "validation": [images[i] for i in order[train:]],
            "test": [test_images[i] for i in chosen(test_labels, "test", label, TEST)],
        }
        for split, pictures in parts.items():
            file = f"{split}-{name}.png"
            sheet(pictures).save(target / file, optimize=True)
            rows.append((split, name, len(pictures), file))
    rows.sort(key=lambda row: (("train", "validation", "test").index(row[0]), row[1]))
    with open(target / "index.csv", "w", encoding="utf-8", newline="") as f:
        writer = csv.writer(f, lineterminator="\n")
        writer.writerow(("split", "class", "count", "sheet"))
        writer.writerows(rows)
    print(f"{sum(row[2] for row in rows)} images, {sum(p.stat().st_size for p in target.iterdir())} bytes")


if __name__ == "__main__":
    main()
