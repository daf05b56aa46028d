"""Reads the class weights that counterpoise wrote, one file for each format, as Python, JSON and CSV do.

    python tests/weights.py FOLDER

FOLDER holds the files json, keras, torch, sklearn and csv of one data set. Python files are parsed and their lists and
dicts evaluated as literals; nothing in them is run. The output is one JSON object: format -> list of class name and
weight in the order of the file (the table's sorted, each class once), a weight as the hexadecimal bits of its double.
Fails where the order of a file is not that of sorted(), which is the order of the loaders.
"""

import ast
import csv
import json
import struct
import sys
from pathlib import Path


def literals(path: Path) -> dict[str, object]:
    """The names that the file gives to lists and dicts."""
    tree = ast.parse(path.read_bytes())
    plain = [node for node in tree.body if isinstance(node, ast.Assign) and isinstance(node.value, (ast.List, ast.Dict))]
    return {node.targets[0].id: ast.literal_eval(node.value) for node in plain}


def read(folder: Path) -> dict[str, list[tuple[str, float]]]:
    classes = json.loads((folder / "json").read_bytes())["classes"]
    keras = literals(folder / "keras")
    torch = literals(folder / "torch")
    table: dict[str, float] = {}
    with open(folder / "csv", newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            assert table.setdefault(row["label"], float(row["weight"])) == float(row["weight"]), row
    return {
        "json": [(one["name"], one["weight"]) for one in classes],
        "keras": [(name, keras["class_weight"][index]) for index, name in enumerate(keras["class_names"])],
        "torch": list(zip(torch["class_names"], torch["class_weights"], strict=True)),
        "sklearn": list(literals(folder / "sklearn")["class_weight"].items()),
        "csv": sorted(table.items()),
    }


def main() -> int:
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    found = read(Path(sys.argv[1]))
    for name, classes in found.items():
        names = [one for one, _ in classes]
        assert names == sorted(names), f"{name}: {names}"
    bits = {name: [(one, struct.pack(">d", w).hex()) for one, w in classes] for name, classes in found.items()}
    print(json.dumps(bits))
    return 0


if __name__ == "__main__":
    sys.exit(main())
