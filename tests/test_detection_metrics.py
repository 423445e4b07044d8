"""Boxes that were found against those that are marked: mean average precision as pycocotools computes it."""

import contextlib
import io

import numpy as np
import pytest
from calib8 import _native


def by_pycocotools(found, objects):
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    truth, classes = COCO(), {int(row[4]) for rows in objects for row in rows} | {int(row[5]) for rows in found for row in rows}
    annotations = [
        {"id": 0, "image_id": i, "category_id": int(row[4]), "bbox": [*map(float, row[:2]), float(row[2]) - float(row[0]), float(row[3]) - float(row[1])],
         "area": (float(row[2]) - float(row[0])) * (float(row[3]) - float(row[1])), "iscrowd": int(row[5])}
        for i, rows in enumerate(objects) for row in rows
    ]  # fmt: skip
    for number, annotation in enumerate(annotations):
        annotation["id"] = number + 1
    truth.dataset = {"images": [{"id": i} for i in range(len(objects))], "annotations": annotations, "categories": [{"id": c} for c in sorted(classes)]}
    results = [
        {"image_id": i, "category_id": int(row[5]), "score": float(row[4]),
         "bbox": [*map(float, row[:2]), float(row[2]) - float(row[0]), float(row[3]) - float(row[1])]}
        for i, rows in enumerate(found) for row in rows
    ]  # fmt: skip
    with contextlib.redirect_stdout(io.StringIO()):
        truth.createIndex()
        evaluation = COCOeval(truth, truth.loadRes(results), "bbox")
        evaluation.params.areaRng, evaluation.params.areaRngLbl = [[0, 1e10]], ["all"]
        evaluation.evaluate()
        evaluation.accumulate()
    precision = evaluation.eval["precision"][:, :, :, 0, -1]
    mean = lambda values: float(values[values > -1].mean())  # noqa: E731
    return mean(precision[0]), mean(precision)


def random_set(seed, pictures, classes, with_crowds):
    """Objects, and what a detector may make of them: moved, missed, doubled, of another class, with equal scores."""
    rng = np.random.default_rng(seed)
    found, objects = [], []
    for _ in range(pictures):
        corner, size = rng.uniform(0, 300, (rng.integers(0, 9), 2)), None
        size = rng.uniform(5, 120, corner.shape)
        marked = np.column_stack([corner, corner + size, rng.integers(0, classes, len(corner)), rng.random(len(corner)) < (0.2 if with_crowds else 0)])
        seen = []
        for row in marked:
            for _ in range(rng.integers(0, 4)):
                moved = row[:4] + rng.normal(0, rng.choice([0, 2, 10]), 4)
                label = row[4] if rng.random() < 0.9 else rng.integers(0, classes)
                seen.append([*moved[:2], *np.maximum(moved[2:], moved[:2] + 1), np.round(rng.random(), 1), label])
        for _ in range(rng.integers(0, 4)):
            seen.append([*(corner := rng.uniform(0, 300, 2)), *(corner + rng.uniform(5, 60, 2)), rng.random(), rng.integers(0, classes)])
        objects.append(marked.astype(np.float32).reshape(-1, 6))
        found.append(np.array(seen, np.float32).reshape(-1, 6))
    return found, objects


@pytest.mark.needs("pycocotools")
@pytest.mark.parametrize("classes", [1, 4, 1000])
@pytest.mark.parametrize("with_crowds", [False, True])
def test_is_that_of_pycocotools(classes, with_crowds):
    for seed in range(10):
        found, objects = random_set(seed, 40, classes, with_crowds)
        assert _native.mean_precision(found, objects) == pytest.approx(by_pycocotools(found, objects), abs=1e-6), seed


@pytest.mark.needs("pycocotools")
def test_more_boxes_than_count():
    found, objects = random_set(3, 5, 1, False)
    found[0] = np.tile(found[0], (60, 1)) + np.float32(0.01) * np.random.default_rng(0).random((60 * len(found[0]), 6), np.float32) * [1, 1, 1, 1, 1, 0]
    found = [np.asarray(each, np.float32) for each in found]
    assert len(found[0]) > 100
    assert _native.mean_precision(found, objects) == pytest.approx(by_pycocotools(found, objects), abs=1e-6)


def test_a_perfect_and_an_empty_answer():
    found, objects = random_set(0, 10, 3, False)
    perfect = [np.column_stack([rows[:, :4], np.ones(len(rows)), rows[:, 4]]).astype(np.float32) for rows in objects]
    assert _native.mean_precision(perfect, objects) == (1, 1)
    assert _native.mean_precision([rows[:0] for rows in found], objects) == (0, 0)
    assert _native.mean_precision(found, [rows[:0] for rows in objects]) == (0, 0)
