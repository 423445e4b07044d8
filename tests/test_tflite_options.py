"""Each field of each operator of a .tflite set to wild values: the file is refused with one line, or converts.

By default a few fields of each operator; with --all, all of them.
"""

import random

import numpy as np
import pytest
from conftest import run_calib8
from support import tflite_builder
from support.tflite_builder import OPERATORS, X, edits, operator_model, pack

BY_DEFAULT = 8
DONE, MODEL_ERROR = 0, 3
STATUSES = {DONE, MODEL_ERROR, 4, 5}  # 4: the arrays don't fit an input whose shape was changed


def arrays_for(name, folder):
    shape = next(one for one in OPERATORS[name][0] if isinstance(one, X))
    path = folder / "arrays.npy"
    lowest = 0.1 if name in ("LOG", "SQRT", "RSQRT") else -1  # of a negative number they are NaN
    np.save(path, np.random.default_rng(0).uniform(lowest, 1, (4, *shape[1:])).astype(np.float32))
    return path


def export(model, folder, *arguments):
    done = run_calib8("export", model, "--output-dir", folder / "out", "--quiet", *arguments, timeout=60)
    lines = [line for line in done.stderr.splitlines() if not line.startswith(("warning: ", "data: "))]
    wrong = done.returncode not in STATUSES or (done.returncode == MODEL_ERROR and len(lines) != 1)
    return done.returncode, f"status {done.returncode}: {done.stderr.strip()[-300:]}" if wrong else None


def calibration(name, folder):
    return (
        "--dataset-dir", arrays_for(name, folder), "--num-calib-samples", 2, "--verify-samples", 2,
        "--min-agreement", 0, "--threads", 1,
    )  # fmt: skip


@pytest.mark.parametrize("name", OPERATORS)
def test_the_operator_itself_converts(name, tmp_path):
    """What is made wild below is right before: LiteRT runs it, and it becomes int8."""
    (tmp_path / "model.tflite").write_bytes(pack(operator_model(name)))
    status, wrong = export(tmp_path / "model.tflite", tmp_path, *calibration(name, tmp_path))
    assert status == DONE, wrong


def check(name, chosen, folder):
    arguments, path, findings = calibration(name, folder), folder / "model.tflite", []
    for label, change in chosen:
        model = operator_model(name)
        change(model)
        path.write_bytes(pack(model))
        # What contradicts itself is refused before anything runs; the rest is run.
        status, wrong = export(path, folder, "--quantize", "none")
        if status == DONE:
            status, wrong = export(path, folder, *arguments)
        if wrong:
            findings.append(f"{label}: {wrong}")
    assert not findings, f"{name}:\n" + "\n".join(findings)


def packable(name):
    """The edits that the schema's own writer takes."""
    for label, change in edits(name):
        model = operator_model(name)
        change(model)
        try:
            pack(model)
        except (TypeError, ValueError, AttributeError, tflite_builder.flatbuffers.builder.BuilderSizeError):
            continue
        yield label, change


@pytest.mark.parametrize("name", OPERATORS)
def test_some_fields_made_wild(name, tmp_path):
    check(name, random.Random(name).sample(list(packable(name)), BY_DEFAULT), tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("name", OPERATORS)
def test_every_field_made_wild(name, tmp_path):
    check(name, packable(name), tmp_path)
