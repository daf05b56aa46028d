"""Loads a folder that counterpoise exported with the loaders people train with, and compares the counts.

    python tests/loaders.py FOLDER

torchvision's ImageFolder reads each split folder, or the folder itself where there are no splits. Hugging Face's
imagefolder reads the folder twice: by its README.md, as `load_dataset(FOLDER)` does, and by its names alone, as
`load_dataset("imagefolder", data_dir=FOLDER)` does. Every image is decoded. What must come out is what manifest.csv
says, counted by class folder. The last line is one JSON object. Exit codes: 0 all agree, 1 a difference, 77 a loader
is not installed.

By names alone Hugging Face guesses: a class or file called "test" or "train_3" in a folder without splits becomes a
split. No folder of this layout can prevent that, so there a difference is told and does not fail.
"""

import csv
import json
import os
import sys
import tempfile
from collections import Counter
from pathlib import Path

# Nothing is fetched; a loader that tries fails instead.
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["HF_DATASETS_OFFLINE"] = "1"
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
os.environ["HF_DATASETS_DISABLE_PROGRESS_BARS"] = "1"

MISSING = 77


GUESSED = "imagefolder by names"


def wanted(folder: Path) -> tuple[dict[str, dict[str, int]], dict[str, Path]]:
    """Images per class folder and split, from the manifest; and the folder of each split."""
    counts: dict[str, Counter] = {}
    roots: dict[str, Path] = {}
    with open(folder / "manifest.csv", newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            *above, class_folder, _ = row["file"].split("/")
            counts.setdefault(row["split"], Counter())[class_folder] += 1
            roots[row["split"]] = folder.joinpath(*above)
    return {split: dict(sorted(of.items())) for split, of in sorted(counts.items())}, roots


def torchvision_counts(roots: dict[str, Path]) -> dict[str, dict[str, int]]:
    from torchvision.datasets import ImageFolder

    counts = {}
    for split, root in roots.items():
        images = ImageFolder(str(root))
        labels = Counter(images.classes[label] for image, label in images if image.size[0] > 0)
        counts[split] = dict(sorted(labels.items()))
    return dict(sorted(counts.items()))


def hugging_face_counts(cache: str, *args: str, **kwargs: str) -> dict[str, dict[str, int]]:
    from datasets import load_dataset

    counts = {}
    for split, rows in load_dataset(*args, cache_dir=cache, **kwargs).items():
        names = rows.features["label"].names
        labels = Counter(names[row["label"]] for row in rows if row["image"].size[0] > 0)
        counts[split] = dict(sorted(labels.items()))
    return dict(sorted(counts.items()))


def main() -> int:
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        import datasets
        import torchvision
    except ImportError as error:
        print(f"SKIPPED: {error}; pip install torch torchvision datasets pillow", file=sys.stderr)
        return MISSING
    folder = Path(sys.argv[1]).resolve()
    want, roots = wanted(folder)
    report = {"torchvision": torchvision.__version__, "datasets": datasets.__version__, "manifest": want}
    differences = []
    with tempfile.TemporaryDirectory() as cache:
        loaders = {
            "ImageFolder": lambda: torchvision_counts(roots),
            "imagefolder by README.md": lambda: hugging_face_counts(cache, str(folder)),
            GUESSED: lambda: hugging_face_counts(cache, "imagefolder", data_dir=str(folder)),
        }
        for name, load in loaders.items():
            try:
                got = load()
            except Exception as error:  # The loader's own trouble is the finding.
                got = f"{type(error).__name__}: {error}"
            report[name] = got if got != want else "as the manifest"
            if got != want:
                print(f"{name}: {got} instead of {want}", file=sys.stderr)
                differences += [name] if name != GUESSED else []
    print(json.dumps(report))
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
