"""Real models with bytes changed, exported to int8: each ends as promised, and nothing is left behind.

By default a few; with --all, 2,000 of each model. A failure names the seed: `mutated(bytes, seed)` is the file.
"""

import os
import pathlib
import random
import uuid

import numpy as np
import pytest
from conftest import run_calib8
from support.small_onnx import save_image_classifier
from support.tflite_models import FACE_MODELS, face_model

STATUSES = {0, 3, 4, 5}  # done, the model's fault, the data's, the gate's
CHUNK, CHUNKS, BY_DEFAULT = 100, 20, 12
MODELS = [*FACE_MODELS, "model.onnx"]


def mutated(data: bytes, seed: int) -> bytes:
    """1 to 8 bytes anywhere get another value: any value, or one that numbers in such files like to have."""
    generator = random.Random(seed)
    changed = bytearray(data)
    for _ in range(generator.randint(1, 8)):
        place = generator.randrange(len(changed))
        # Half of them where the tables of a FlatBuffer or the nodes of a protobuf are thickest.
        if generator.random() < 0.5:
            place = generator.choice([place % 4096, len(changed) - 1 - place % 65536]) % len(changed)
        changed[place] = generator.choice([generator.randrange(256), 0, 1, 0x7F, 0x80, 0xFF])
    return bytes(changed)


@pytest.fixture(scope="module", params=MODELS)
def model(request, tmp_path_factory):
    """A model's bytes, its ending, and a few arrays to calibrate on."""
    folder = tmp_path_factory.mktemp("mutations")
    if request.param == "model.onnx":
        path, size = save_image_classifier(folder / "model.onnx"), 32
    else:
        path, size = face_model(request.param), FACE_MODELS[request.param]
    arrays = folder / "arrays.npy"
    np.save(arrays, np.random.default_rng(0).uniform(-1, 1, (4, size, size, 3)).astype(np.float32))
    return request.param, path.read_bytes(), path.suffix, arrays


def processes_with(mark: str) -> list[str]:
    """Command lines of the processes that have inherited this value in their environment."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            if mark.encode() in (entry / "environ").read_bytes():
                found.append((entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace"))
        except OSError:
            continue  # it has ended, or is another user's
    return found


def chunk(number):
    seeds = range(number * CHUNK, (number + 1) * CHUNK)
    return pytest.param(seeds, id=f"{seeds.start}-{seeds.stop - 1}", marks=pytest.mark.slow)


@pytest.mark.parametrize("seeds", [range(BY_DEFAULT), *map(chunk, range(CHUNKS))])
def test_changed_bytes(model, seeds, tmp_path):
    name, data, suffix, arrays = model
    mark = f"calib8-test-{uuid.uuid4()}"
    findings, statuses = [], {}
    for seed in seeds:
        path = tmp_path / f"mutated{suffix}"
        path.write_bytes(mutated(data, seed))
        done = run_calib8(
            "export", path, "--dataset-dir", arrays, "--output-dir", tmp_path / "out", "--num-calib-samples", 2,
            "--verify-samples", 2, "--min-agreement", 0, "--threads", 1, "--quiet",
            env={**os.environ, "CALIB8_TEST_MARK": mark}, timeout=120,
        )  # fmt: skip
        statuses[done.returncode] = statuses.get(done.returncode, 0) + 1
        lines = [line for line in done.stderr.splitlines() if not line.startswith(("warning: ", "data: "))]
        if done.returncode not in STATUSES or (done.returncode == 3 and len(lines) != 1):
            findings.append(f"seed {seed}: status {done.returncode}: {done.stderr.strip()[-300:]}")
    print(name, seeds, statuses)
    assert not findings, f"{name}:\n" + "\n".join(findings)
    assert not processes_with(mark)


def test_without_changes(model, tmp_path):
    """What is mutated above is a model that converts."""
    _, data, suffix, arrays = model
    (tmp_path / f"model{suffix}").write_bytes(data)
    run_calib8(
        "export", tmp_path / f"model{suffix}", "--dataset-dir", arrays, "--output-dir", tmp_path / "out",
        "--num-calib-samples", 2, "--verify-samples", 2, "--min-agreement", 0, check=True,
    )  # fmt: skip
