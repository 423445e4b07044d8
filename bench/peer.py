"""What the benchmarks share: their flags, photos, and the same model through calib8 and through the peer."""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import pathlib
import random
import shutil
import sys

import measure

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from support import images  # noqa: E402

CALIBRATION_IMAGES = 100
STATISTICS_IMAGES = 32


def arguments(description: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--calib8", default=os.environ.get("CALIB8_BINARY", ROOT / ".venv/bin/calib8"), help="the program")
    parser.add_argument("--work", type=pathlib.Path, default=ROOT / "build/bench", help="folder for models and results")
    parser.add_argument("--json", type=pathlib.Path, help="write the results here too")
    return parser


def peer_arguments(description: str, photos: bool = True) -> argparse.ArgumentParser:
    parser = arguments(description)
    parser.add_argument("--peer-python", required=True, help="Python with litert-torch 0.10 and ai-edge-quantizer 0.10")
    if photos:
        parser.add_argument("--photos", type=pathlib.Path, required=True, help="folder of real photos, JPEG")
    return parser


@dataclasses.dataclass
class Photos:
    """Disjoint parts of a folder of photos, drawn by seed 0."""

    statistics: list[pathlib.Path]
    calibration: list[pathlib.Path]
    test: list[pathlib.Path]


def draw_photos(folder: pathlib.Path, test: int) -> Photos:
    paths = images.image_files(folder)
    random.Random(0).shuffle(paths)
    if len(paths) < CALIBRATION_IMAGES + 1:
        raise SystemExit(f"{folder} holds {len(paths)} images, too few")
    calibration, rest = paths[:CALIBRATION_IMAGES], paths[CALIBRATION_IMAGES:]
    return Photos(rest[:STATISTICS_IMAGES], calibration, rest[STATISTICS_IMAGES : STATISTICS_IMAGES + test])


def link_images(paths: list[pathlib.Path], folder: pathlib.Path) -> pathlib.Path:
    """A dataset of exactly these images."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for number, path in enumerate(paths):
        shutil.copy(path, folder / f"{number:04}{path.suffix.lower()}")
    return folder


def make_checkpoint(arch: str, photos: list[pathlib.Path], path: pathlib.Path, size: int = 224):
    """Random weights that behave like trained ones; returns the PyTorch module."""
    from support import torchvision_models

    path.parent.mkdir(parents=True, exist_ok=True)
    statistics = images.to_torch(images.batch(photos, size, size))
    return torchvision_models.make_checkpoint(arch, path, statistics)


def run_calib8(program, model: pathlib.Path, data: pathlib.Path, folder: pathlib.Path, *more) -> measure.Measured:
    """The whole command, defaults throughout, into an empty folder. A failed gate (5) keeps its files."""
    shutil.rmtree(folder, ignore_errors=True)
    command = [program, "export", "--checkpoint", model, "--dataset-dir", data, "--output-dir", folder, *more]
    return measure.run(command, allowed=(0, 5))


def calibration_images(folder: pathlib.Path, data: pathlib.Path) -> list[pathlib.Path]:
    """The images that an export of calib8 calibrated on."""
    metadata = json.loads((folder / "model.tflite.quantization_metadata").read_text())
    return [data / entry["path"] for entry in metadata["dataset"]["calibration"]]


def run_peer(python, model: dict, size, calibration: list[pathlib.Path], folder: pathlib.Path, keep_float: bool = False, environment=None) -> measure.Measured:
    """The peer's whole command into an empty folder: model.tflite (and float.tflite)."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    job = {
        "model": {key: str(value) if isinstance(value, pathlib.Path) else value for key, value in model.items()},
        "size": list(size),
        "images": [str(path) for path in calibration],
        "output": str(folder / "model.tflite"),
        "float_output": str(folder / "float.tflite") if keep_float else None,
    }
    (folder / "job.json").write_text(json.dumps(job))
    return measure.run([python, pathlib.Path(__file__).with_name("peer_worker.py"), folder / "job.json"], environment)


def torchvision_job(arch: str, checkpoint: pathlib.Path) -> dict:
    return {"kind": "torchvision", "arch": arch, "num_classes": 1000, "checkpoint": checkpoint}


@dataclasses.dataclass
class Pair:
    """The same architecture and photos through both."""

    ours: pathlib.Path
    peers: pathlib.Path
    checkpoint: pathlib.Path


def make_pair(options, arch: str, photos: Photos, reuse: bool, size: int = 224, peer_may_fail: bool = False) -> Pair:
    """int8 files of both; with `reuse`, the peer's is that which an earlier run left. With `peer_may_fail`, there is no file
    where the peer can't do it, and its reason is printed."""
    folder = options.work / arch
    pair = Pair(folder / "calib8" / "model.tflite", folder / "peer" / "model.tflite", folder / "model.pth")
    if not (reuse and pair.checkpoint.exists()):
        make_checkpoint(arch, photos.statistics, pair.checkpoint, size)
    data = link_images(photos.calibration, options.work / "photos")
    run_calib8(options.calib8, pair.checkpoint, data, pair.ours.parent, "--input-size", size)
    if not (reuse and pair.peers.exists()):
        calibration = calibration_images(pair.ours.parent, data)
        try:
            run_peer(options.peer_python, torchvision_job(arch, pair.checkpoint), (size, size), calibration, pair.peers.parent)
        except measure.CommandFailed as failure:
            if not peer_may_fail:
                raise
            print(f"{arch}: the peer failed: {str(failure).splitlines()[-1]}", flush=True)
    return pair
