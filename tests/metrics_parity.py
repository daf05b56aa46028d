"""Computes the figures of tests/metrics_parity.rs anew with scikit-learn and imbalanced-learn, and compares.

    python tests/metrics_parity.py CASES.json

CASES.json has random confusion tables, probabilities, counts of classes and rows to resample, each with what
counterpoise says of it. Printed is the largest difference of every figure, and how often each case was met that is
defined otherwise here than there; those are listed in CONVENTIONS with the reason. Rows that a resampling makes are
counted; which ones they are under given draws is the matter of tests/vectors/resampling.py. Exit codes: 0 all agree,
1 a difference or a figure without a case, 77 scikit-learn or imbalanced-learn is not installed.
"""

import json
import math
import sys
import warnings

MISSING = 77

TIGHT = 1e-12
# Kappa here is a difference of shares over another one: where chance agrees on nearly everything, digits cancel that
# are never lost in scikit-learn's quotient of sums.
LOOSE = 1e-9
# Counts and lists of whole numbers.
EXACT = 0.0

FIGURES = {
    "accuracy": TIGHT,
    "ACSA": TIGHT,
    "ACSA, chance at 0": TIGHT,
    "recall of a class": TIGHT,
    "sensitivity of a class": TIGHT,
    "specificity of a class": TIGHT,
    "precision of a class": TIGHT,
    "F1 of a class": TIGHT,
    "F0.5 of a class": TIGHT,
    "macro F1": TIGHT,
    "macro F0.5": TIGHT,
    "G-mean": TIGHT,
    "G-mean, macro form": TIGHT,
    "Matthews' coefficient": TIGHT,
    "Cohen's kappa": LOOSE,
    "answers": EXACT,
    "AUROC of a class": TIGHT,
    "AUROC, one against the rest": TIGHT,
    "AUPRC of a class": TIGHT,
    "AUPRC, mean over classes": TIGHT,
    "calibration error": TIGHT,
    "balanced class weights": TIGHT,
    "random oversampling": EXACT,
    "random undersampling": EXACT,
    "planned images": EXACT,
    "SMOTE": EXACT,
    "Borderline-SMOTE, danger": EXACT,
    "Borderline-SMOTE, rows": EXACT,
    "ADASYN, rows by density": EXACT,
}

# What is defined otherwise on purpose: both sides are held against what is said here.
CONVENTIONS = {
    "class without images": "it has no recall and no F score here; there both are 0",
    "mean of F scores": "a class without images is left out here; there it counts with 0 where it was said",
    "G-mean of recalls": "a class without images is left out here; there it counts with recall 0 where it was said",
    "specificity without others": "where no image is of another class there is none here; there it is 0",
    "macro G-mean of one class": "it needs that specificity: there is none here, and 0 there",
    "ACSA of one class": "chance is then 1: there is no scale with chance at 0 here, and no finite number there",
    "kappa without a choice": "where images and answers are all of one class it is 0 here and no number there",
    "AUROC of one side": "a class with all images or none has no area here and is left out of the mean; there the area "
                         "is no number",
    "AUPRC without images": "a class without images has no area here and is left out of the mean; there it is 0",
    "plan of an empty class": "it has the target of the others here; imbalanced-learn does not know the class",
    "nothing in danger": "Borderline-SMOTE fills such a class by plain SMOTE here; there it stays as it is",
    "nothing of others near": "ADASYN fills such a class by plain SMOTE here; there it is refused",
    "density rounded": "ADASYN fills every slot here; there the rows of each start are rounded, and the sum misses",
}


class Ledger:
    """Of each figure how often it was compared and the largest difference; of each convention how often it was met."""

    def __init__(self) -> None:
        self.figures = {figure: (0, 0.0) for figure in FIGURES}
        self.met = dict.fromkeys(CONVENTIONS, 0)
        self.faults: list[str] = []

    def note(self, figure, where, difference, ours, theirs) -> None:
        times, largest = self.figures[figure]
        self.figures[figure] = (times + 1, max(largest, difference))
        if not difference <= FIGURES[figure]:
            self.faults.append(f"{where}: {figure} is {ours} instead of {theirs}")

    def compare(self, figure, where, ours, theirs) -> None:
        """A number; of one above 1 the difference is relative."""
        known = ours is not None and math.isfinite(theirs)
        difference = abs(ours - theirs) / max(1.0, abs(theirs)) if known else math.inf
        self.note(figure, where, difference, ours, theirs)

    def same(self, figure, where, ours, theirs) -> None:
        """What may not differ at all."""
        self.note(figure, where, 0.0 if ours == theirs else math.inf, ours, theirs)

    def convention(self, name, where, holds) -> None:
        self.met[name] += 1
        if not holds:
            self.faults.append(f"{where}: not as stated of \"{name}\": {CONVENTIONS[name]}")

    def report(self) -> int:
        print(f"{'figure':<30}{'compared':>10}{'largest difference':>20}{'allowed':>10}")
        for figure, (times, largest) in self.figures.items():
            print(f"{figure:<30}{times:>10}{largest:>20.1e}{FIGURES[figure]:>10.0e}")
            if times == 0:
                self.faults.append(f"no case has a value of {figure}")
        print("\ndefined otherwise on purpose, and met so often:")
        for name, times in self.met.items():
            print(f"{times:>6}  {name}: {CONVENTIONS[name]}")
            if times == 0:
                self.faults.append(f"no case meets \"{name}\"")
        for fault in self.faults[:20]:
            print(fault, file=sys.stderr)
        if len(self.faults) > 20:
            print(f"and {len(self.faults) - 20} more", file=sys.stderr)
        return 1 if self.faults else 0


def compare_table(case, where, ledger) -> None:
    rows, ours = np.array(case["rows"]), case["figures"]
    classes, images = np.arange(len(rows)), rows.sum(axis=1)
    truth = np.repeat(classes, images)
    said = np.concatenate([np.repeat(classes, row) for row in rows])
    present = classes[images > 0]
    one = len(present) == 1
    only_said = (rows.sum(axis=0) > 0) & (images == 0)

    def scores(beta):
        return metrics.precision_recall_fscore_support(
            truth, said, labels=classes, average=None, beta=beta, zero_division=0
        )

    precision, recall, f1, _ = scores(1.0)
    _, _, f05, _ = scores(0.5)
    sensitivity, specificity, _ = imblearn.metrics.sensitivity_specificity_support(
        truth, said, labels=classes, average=None
    )
    for c in classes:
        ledger.compare("precision of a class", where, ours["precision"][c], precision[c])
        if c in present:
            ledger.compare("recall of a class", where, ours["recall"][c], recall[c])
            ledger.compare("sensitivity of a class", where, ours["recall"][c], sensitivity[c])
            ledger.compare("F1 of a class", where, ours["f1"][c], f1[c])
            ledger.compare("F0.5 of a class", where, ours["f05"][c], f05[c])
        else:
            here = [ours[name][c] for name in ("recall", "f1", "f05")] == [None] * 3
            ledger.convention("class without images", where, here and recall[c] == f1[c] == f05[c] == 0)
        if one and c == present[0]:
            here = ours["specificity"][c] is None
            ledger.convention("specificity without others", where, here and specificity[c] == 0)
        else:
            ledger.compare("specificity of a class", where, ours["specificity"][c], specificity[c])

    ledger.compare("accuracy", where, ours["accuracy"], metrics.accuracy_score(truth, said))
    ledger.compare("ACSA", where, ours["acsa"], metrics.balanced_accuracy_score(truth, said))
    adjusted = metrics.balanced_accuracy_score(truth, said, adjusted=True)
    if one:
        here = ours["chance_adjusted"] is None
        ledger.convention("ACSA of one class", where, here and not math.isfinite(adjusted))
    else:
        ledger.compare("ACSA, chance at 0", where, ours["chance_adjusted"], adjusted)

    for figure, name, beta in [("macro F1", "macro_f1", 1.0), ("macro F0.5", "macro_f05", 0.5)]:
        def mean(labels):
            return metrics.fbeta_score(truth, said, beta=beta, labels=labels, average="macro", zero_division=0)

        ledger.compare(figure, where, ours[name], mean(present))
        if only_said.any():
            union = len(present) + only_said.sum()
            spread = abs(ours[name] * len(present) / union - mean(None))
            ledger.convention("mean of F scores", where, spread <= TIGHT)

    g_mean = imblearn.metrics.geometric_mean_score
    ledger.compare("G-mean", where, ours["g_mean"], g_mean(truth, said, labels=present))
    if only_said.any():
        ledger.convention("G-mean of recalls", where, g_mean(truth, said) == 0)
    macro = g_mean(truth, said, labels=present, average="macro")
    if one:
        ledger.convention("macro G-mean of one class", where, ours["g_mean_macro"] is None and macro == 0)
    else:
        ledger.compare("G-mean, macro form", where, ours["g_mean_macro"], macro)

    ledger.compare("Matthews' coefficient", where, ours["mcc"], metrics.matthews_corrcoef(truth, said))
    kappa = metrics.cohen_kappa_score(truth, said)
    if one and (said == present[0]).all():
        ledger.convention("kappa without a choice", where, ours["kappa"] == 0 and math.isnan(kappa))
    else:
        ledger.compare("Cohen's kappa", where, ours["kappa"], kappa)


def calibration_error(right, confidence, bins=15):
    """The expected calibration error from scikit-learn's curve, which tells no sizes of bins."""
    true, stated = calibration_curve(right, confidence, pos_label=1, n_bins=bins, strategy="uniform")
    sizes = np.bincount(np.searchsorted(np.linspace(0, 1, bins + 1)[1:-1], confidence))
    return float((sizes[sizes > 0] * abs(true - stated)).sum() / len(right))


def compare_scores(case, where, ledger) -> None:
    truth, rows, ours = np.array(case["truth"]), np.array(case["rows"]), case["figures"]
    classes = np.arange(rows.shape[1])
    said = rows.argmax(axis=1)
    ledger.same("answers", where, ours["said"], said.tolist())
    right = (said == truth).astype(int)
    ledger.compare("calibration error", where, ours["calibration_error"], calibration_error(right, rows.max(axis=1)))

    areas = []
    for c in classes:
        positive = (truth == c).astype(int)
        area, precision = ours["auroc_of_class"][c], ours["auprc_of_class"][c]
        theirs = metrics.average_precision_score(positive, rows[:, c])
        if positive.any():
            ledger.compare("AUPRC of a class", where, precision, theirs)
        else:
            ledger.convention("AUPRC without images", where, precision is None and theirs == 0)
        # Older releases of scikit-learn raise an error where newer ones give no number.
        if positive.any() and not positive.all():
            areas.append(metrics.roc_auc_score(positive, rows[:, c]))
            ledger.compare("AUROC of a class", where, area, areas[-1])
        else:
            ledger.convention("AUROC of one side", where, area is None)

    if len(areas) < len(classes):
        mean = sum(areas) / len(areas) if areas else None
        here = ours["auroc"] is None if mean is None else abs(ours["auroc"] - mean) <= TIGHT
        ledger.convention("AUROC of one side", where, here)
    elif len(classes) == 2:
        ledger.compare("AUROC, one against the rest", where, ours["auroc"], metrics.roc_auc_score(truth, rows[:, 1]))
    else:
        theirs = metrics.roc_auc_score(truth, rows, multi_class="ovr", average="macro", labels=classes)
        ledger.compare("AUROC, one against the rest", where, ours["auroc"], theirs)

    present = np.unique(truth)
    if len(present) > 1:
        told = (truth[:, None] == present[None]).astype(int)
        theirs = metrics.average_precision_score(told, rows[:, present], average="macro")
    else:
        theirs = metrics.average_precision_score(np.ones_like(truth), rows[:, present[0]])
    ledger.compare("AUPRC, mean over classes", where, ours["auprc"], theirs)


def compare_weights(case, where, ledger) -> None:
    classes = np.arange(len(case["counts"]))
    theirs = compute_class_weight("balanced", classes=classes, y=np.repeat(classes, case["counts"]))
    for our, their in zip(case["balanced"], theirs, strict=True):
        ledger.compare("balanced class weights", where, our, their)


def compare_resampling(case, where, ledger) -> None:
    rows, classes = np.array(case["rows"]), np.array(case["classes"])
    have, target, k, m = case["counts"], case["target"], case["k"], case["m"]

    def left(method):
        """Rows of each class that a method leaves."""
        return np.bincount(method.fit_resample(rows, classes)[1], minlength=len(have)).tolist()

    over = left(imblearn.over_sampling.RandomOverSampler(random_state=0))
    ledger.same("random oversampling", where, case["oversampled"], over)
    under = left(imblearn.under_sampling.RandomUnderSampler(random_state=0))
    ledger.same("random undersampling", where, case["undersampled"], under)
    for c, planned in enumerate(case["planned"]):
        if have[c] == 0:
            ledger.convention("plan of an empty class", where, planned == target and over[c] == 0)
        else:
            ledger.same("planned images", where, planned, over[c])
    ledger.same("SMOTE", where, case["smote"], left(imblearn.over_sampling.SMOTE(k_neighbors=k, random_state=0)))

    for ours in case["borderline"]:
        c = ours["class"]
        method = imblearn.over_sampling.BorderlineSMOTE(
            sampling_strategy={c: target}, random_state=0, k_neighbors=k, m_neighbors=m,
            kind=f"borderline-{ours['kind']}",
        )
        made = left(method)[c] - have[c]
        danger = [int(row) for row in method.in_danger_indices.get(c, [])]
        ledger.same("Borderline-SMOTE, danger", where, ours["danger"], danger)
        if ours["plain"]:
            ledger.convention("nothing in danger", where, made == 0 and ours["made"] == target - have[c])
        else:
            ledger.same("Borderline-SMOTE, rows", where, ours["made"], made)

    for ours in case["adasyn"]:
        c = ours["class"]
        method = imblearn.over_sampling.ADASYN(sampling_strategy={c: target}, random_state=0, n_neighbors=k)
        filled = ours["made"] == target - have[c]
        try:
            made = left(method)[c] - have[c]
        except RuntimeError:
            # No neighbour is of another class.
            ledger.convention("nothing of others near", where, ours["plain"] and filled)
            continue
        except ValueError as error:
            # The rows of every start are rounded to none.
            if "No samples will be generated" not in str(error):
                raise
            made = 0
        ledger.same("ADASYN, rows by density", where, (ours["apportioned"], ours["plain"]), (made, False))
        if made != target - have[c]:
            ledger.convention("density rounded", where, filled)


def main() -> int:
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    with open(sys.argv[1], encoding="utf-8") as file:
        cases = json.load(file)
    ledger = Ledger()
    for part, compare in [
        ("tables", compare_table),
        ("scores", compare_scores),
        ("weights", compare_weights),
        ("resampling", compare_resampling),
    ]:
        for number, case in enumerate(cases[part]):
            compare(case, f"{part} {number} {case.get('kind', '')}".rstrip(), ledger)
    print(f"scikit-learn {sklearn.__version__}, imbalanced-learn {imblearn.__version__}, numpy {np.__version__}")
    return ledger.report()


if __name__ == "__main__":
    try:
        import imblearn.metrics
        import imblearn.over_sampling
        import imblearn.under_sampling
        import numpy as np
        import sklearn
        from sklearn import metrics
        from sklearn.calibration import calibration_curve
        from sklearn.utils.class_weight import compute_class_weight
    except ImportError as missing:
        print(f"SKIPPED, NOT RUN: {missing}; pip install scikit-learn imbalanced-learn", file=sys.stderr)
        sys.exit(MISSING)
    # They warn of every case that CONVENTIONS names.
    warnings.filterwarnings("ignore")
    sys.exit(main())
