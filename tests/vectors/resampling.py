"""Writes resampling.json: Borderline-SMOTE and ADASYN of imbalanced-learn with their random draws laid open.

    python tests/vectors/resampling.py            # (re)write resampling.json
    python tests/vectors/resampling.py --check    # recompute and compare; exit status 1 on a difference

imbalanced-learn gets a random state that keeps what it drew. A vector has those draws among its inputs and
the rows that imbalanced-learn made of them as what is expected, so that no test depends on a generator of
random numbers. Values are multiples of 1/1024, which f32 holds exactly, and no two distances of a row are
equal, so that the order of neighbours is not a matter of the search. Needs numpy, scikit-learn and
imbalanced-learn; the format is that of the other files here.
"""

import json
import sys
from pathlib import Path

import numpy as np
from imblearn.over_sampling import ADASYN, BorderlineSMOTE
from sklearn.neighbors import NearestNeighbors

DOC = "imbalanced-learn 0.14, BorderlineSMOTE and ADASYN"
TOLERANCE = {"f64": {"abs": 1e-9, "rel": 1e-9}, "f32": {"abs": 1e-6, "rel": 1e-5}}
VECTORS = []


class Kept(np.random.RandomState):
    """A random state that keeps what it drew, by the name of the call."""

    def __init__(self, seed):
        super().__init__(seed)
        self.drawn = []

    def keep(self, name, values):
        self.drawn.append((name, np.asarray(values)))
        return values

    def randint(self, *args, **kwargs):
        return self.keep("randint", super().randint(*args, **kwargs))

    def uniform(self, *args, **kwargs):
        return self.keep("uniform", super().uniform(*args, **kwargs))

    def choice(self, *args, **kwargs):
        return self.keep("choice", super().choice(*args, **kwargs))

    def of(self, name):
        return [values.ravel().tolist() for n, values in self.drawn if n == name]


def add(id, what, inputs, expected):
    VECTORS.append({
        "id": id, "doc": DOC, "what": what, "kind": "golden", "inputs": inputs, "expected": expected,
        "tolerance": TOLERANCE,
    })


def data(seed, groups, features):
    """Rows around a centre for each group of (class, rows, centre, spread), in mixed order."""
    draws = np.random.RandomState(seed)
    rows, classes = [], []
    for label, count, centre, spread in groups:
        rows.append(np.round((centre + spread * draws.normal(size=(count, features))) * 1024) / 1024)
        classes += [label] * count
    order = draws.permutation(len(classes))
    rows, classes = np.concatenate(rows)[order], np.array(classes)[order]
    squares = ((rows[:, None] - rows[None]) ** 2).sum(2)
    for row in squares:
        row = np.sort(row)
        assert (np.diff(row) > 0).all(), "two distances of a row are equal: take another seed"
    return rows, classes


def counts_with(classes, label, more):
    return {label: int((classes == label).sum()) + more}


def borderline(id, what, kind, seed, groups, label, more, m=10, k=5, features=3):
    rows, classes = data(seed, groups, features)
    state = Kept(seed + 1)
    method = BorderlineSMOTE(sampling_strategy=counts_with(classes, label, more), random_state=state,
                             k_neighbors=k, m_neighbors=m, kind=f"borderline-{kind}")
    made = method.fit_resample(rows, classes)[0][len(rows):]
    members = np.flatnonzero(classes == label)
    method.nn_m_.fit(rows)
    noise = members[method._in_danger_noise(method.nn_m_, rows[members], label, classes, kind="noise")]
    around = method.nn_m_.kneighbors(rows[members], return_distance=False)[:, 1:]
    others = (classes[around] != label).sum(axis=1)
    inputs = {"rows": rows.tolist(), "classes": classes.tolist(), "class": label, "kind": kind, "m": m,
              "k": k}
    expected = {"noise": noise.tolist()}
    if label in method.in_danger_indices:
        danger = method.in_danger_indices[label]
        among = members if kind == 1 else np.arange(len(rows))
        found = among[method.nn_k_.kneighbors(rows[danger], return_distance=False)[:, 1:]]
        (pairs,), (steps, *gaps) = state.of("randint"), state.of("uniform")
        inputs |= {"base": [p // k for p in pairs], "rank": [p % k for p in pairs], "u": steps,
                   "gap": gaps[0] if gaps else []}
        expected |= {"danger": danger.tolist(), "neighbours": found.tolist(), "samples": made.tolist()}
        assert len(made) == more and len(danger) > 1
    else:
        inputs |= {"base": [], "rank": [], "u": [], "gap": []}
        expected |= {"danger": [], "neighbours": [], "samples": made.tolist()}
        assert len(made) == 0
    add(id, what, inputs, expected)
    return expected, others


def adasyn(id, what, seed, groups, label, more, k=5, features=3):
    rows, classes = data(seed, groups, features)
    state = Kept(seed + 1)
    method = ADASYN(sampling_strategy=counts_with(classes, label, more), random_state=state, n_neighbors=k)
    members = np.flatnonzero(classes == label)
    search = NearestNeighbors(n_neighbors=k + 1).fit(rows)
    around = search.kneighbors(rows[members], return_distance=False)[:, 1:]
    others = (classes[around] != label).sum(axis=1)
    inputs = {"rows": rows.tolist(), "classes": classes.tolist(), "class": label, "k": k, "n": more}
    try:
        made = method.fit_resample(rows, classes)[0][len(rows):]
    except RuntimeError:
        assert not others.any()
        add(id, what, inputs, {"others": others.tolist(), "refused": True})
        return None
    found = members[method.nn_.kneighbors(rows[members], return_distance=False)[:, 1:]]
    (columns,), (steps,) = state.of("choice"), state.of("uniform")
    # How many rows come from each is not told; the formula's answer has to give the rows that were made.
    shares = others / k
    densities = shares / shares.sum()
    apportioned = np.rint(densities * more).astype(int)
    base = np.repeat(np.arange(len(members)), apportioned)
    start, end = rows[members[base]], rows[found[base, columns]]
    assert (made == start + np.array(steps)[:, None] * (end - start)).all()
    inputs |= {"base": base.tolist(), "rank": columns, "u": steps}
    expected = {"others": others.tolist(), "refused": False, "densities": densities.tolist(),
                "apportioned": apportioned.tolist(), "neighbours": found.tolist(), "samples": made.tolist()}
    add(id, what, inputs, expected)
    return expected


TWO = [(0, 30, 0.0, 1.0), (1, 12, 1.0, 1.0)]
THREE = [(0, 24, 0.0, 1.0), (1, 14, 1.5, 1.0), (2, 9, -1.0, 1.0)]
APART = [(0, 16, 0.0, 1.0), (1, 12, 40.0, 1.0)]

one, others = borderline("borderline-1", "Borderline-SMOTE 1 on two classes that overlap.", 1, 33, TWO, 1, 10)
assert one["noise"] and 5 in others
two, _ = borderline("borderline-2", "The same rows by Borderline-SMOTE 2, with short steps towards others.",
                    2, 33, TWO, 1, 14)
assert one["danger"] == two["danger"] and 0 < len(VECTORS[1]["inputs"]["gap"]) < 14
borderline("borderline-1-classes", "Three classes: one against the others together; m odd and below k.",
           1, 54, THREE, 2, 8, m=3, k=4, features=5)
borderline("borderline-2-classes", "The same by Borderline-SMOTE 2.",
           2, 54, THREE, 2, 12, m=3, k=6, features=5)
borderline("borderline-apart", "Classes far apart: nothing is in danger, and imbalanced-learn makes nothing.",
           1, 7, APART, 1, 4)
some = adasyn("adasyn", "ADASYN on two classes that overlap.", 33, TWO, 1, 18)
assert sum(some["apportioned"]) != 18 and 0 in some["others"]
three = adasyn("adasyn-classes", "Three classes: one against the others together; halves of a row.",
               54, THREE, 2, 15, k=4, features=5)
assert any(density * 15 == 2.5 for density in three["densities"])
adasyn("adasyn-apart", "Classes far apart: imbalanced-learn refuses.", 7, APART, 1, 4)


def render(value, indent=0, width=116):
    """JSON with short values on one line."""
    one = json.dumps(value, ensure_ascii=False, allow_nan=False)
    if len(one) + indent <= width or not isinstance(value, (dict, list)):
        return one
    pad, end = " " * (indent + 1), " " * indent
    if isinstance(value, dict):
        body = [f"{pad}{json.dumps(key)}: {render(entry, indent + 1, width)}" for key, entry in value.items()]
        return "{\n" + ",\n".join(body) + f"\n{end}}}"
    return "[\n" + ",\n".join(pad + render(entry, indent + 1, width) for entry in value) + f"\n{end}]"


document = {
    "title": "Borderline-SMOTE and ADASYN with given draws",
    "generator": "resampling.py",
    "arithmetic": "IEEE double precision",
    "comparison": "integers, strings, booleans and null exactly; numbers with a decimal point or exponent by "
                  "the vector's tolerance: |got - want| <= abs + rel * |want|, column f64 or f32 by the "
                  "precision of the code under test",
    "vectors": VECTORS,
}
place = Path(__file__).resolve().with_suffix(".json")
text = render(document) + "\n"
if "--check" in sys.argv[1:]:
    same = place.read_text(encoding="utf-8") == text
    print(f"{place.name}: {len(VECTORS)} vectors, {'the same' if same else 'DIFFERENT'}")
    sys.exit(0 if same else 1)
place.write_text(text, encoding="utf-8", newline="\n")
print(f"wrote {place.name}: {len(VECTORS)} vectors")
