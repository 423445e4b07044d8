"""`kill -9` of an export over existing outputs, at random moments and between any two of its files: every file is whole,
the old one or the new one, the metadata tells by its hashes whether they belong together, and the next export repairs
all."""

import hashlib
import json
import os
import random
import signal
import subprocess
import time

import pytest
from conftest import calib8_program, export_report, run_calib8
from support import images, torchvision_models

SIZE = 64
KILLS, KILLS_BY_DEFAULT = 40, 8
SEED = 1
METADATA = "model.tflite.quantization_metadata"
FILES = ("model.onnx", "model.tflite")

#: Stands before the C library: the process is killed where it would put its file number KILL_AT in place.
KILLER = r"""
#define _GNU_SOURCE
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>
static int calls;
static void count(void) {
  if (++calls == atoi(getenv("KILL_AT"))) kill(getpid(), SIGKILL);
}
int renameat2(int from_folder, const char* from, int to_folder, const char* to, unsigned int flags) {
  count();
  return (int)syscall(SYS_renameat2, from_folder, from, to_folder, to, flags);
}
int rename(const char* from, const char* to) { return renameat2(-100, from, -100, to, 0); }
"""


def arguments_for(checkpoint, data, folder):
    return (
        checkpoint, "--input-size", SIZE, "--dataset-dir", data, "--num-calib-samples", 8, "--verify-samples", 4,
        "--min-agreement", 0, "--threads", 1, "--output-dir", folder,
    )  # fmt: skip


def hashes(folder):
    return {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in FILES}


def metadata_of(folder):
    """What the metadata says of the files; it must be whole."""
    metadata = json.loads((folder / METADATA).read_text())
    return {name: metadata["outputs"][name.removeprefix("model.")]["sha256"] for name in FILES}


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """Two checkpoints, with the hashes of what each becomes; and how long an export takes."""
    folder = tmp_path_factory.mktemp("models")
    paths = images.write_images(folder / "data", 32)
    statistics = images.to_torch(images.batch(paths, SIZE, SIZE))
    made = []
    for seed in (1, 2):
        checkpoint = folder / f"{seed}.pth"
        torchvision_models.make_checkpoint("mobilenet_v3_small", checkpoint, statistics, seed=seed, num_classes=10)
        start = time.monotonic()
        export_report(*arguments_for(checkpoint, folder / "data", folder / "out"))
        seconds = time.monotonic() - start
        made.append((checkpoint, hashes(folder / "out"), seconds))
    return folder / "data", made


@pytest.fixture(scope="module")
def killer(tmp_path_factory):
    folder = tmp_path_factory.mktemp("killer")
    (folder / "killer.c").write_text(KILLER)
    subprocess.run(["cc", "-shared", "-fPIC", "-o", folder / "killer.so", folder / "killer.c"], check=True)
    return folder / "killer.so"


@pytest.mark.parametrize("place", [1, 2, 3])
def test_killed_between_two_files(place, models, killer, tmp_path):
    """In the order in which they are put in place: model.onnx, model.tflite, and the metadata, which describe them."""
    data, ((old, old_hashes, _), (new, new_hashes, _)) = models
    run_calib8("export", *arguments_for(old, data, tmp_path), "--quiet", check=True)
    environment = os.environ | {"LD_PRELOAD": str(killer), "KILL_AT": str(place)}
    done = run_calib8("export", *arguments_for(new, data, tmp_path), "--quiet", env=environment)
    assert done.returncode == -signal.SIGKILL, done
    found = hashes(tmp_path)
    assert [found[name] == new_hashes[name] for name in FILES] == [place > 1, place > 2]
    assert [found[name] == old_hashes[name] for name in FILES] == [place <= 1, place <= 2]
    assert metadata_of(tmp_path) == old_hashes, "the metadata was there before the files it describes"
    run_calib8("export", *arguments_for(new, data, tmp_path), "--quiet", check=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted((*FILES, METADATA)), "a temporary file was left"
    assert hashes(tmp_path) == metadata_of(tmp_path) == new_hashes


def test_killed_at_any_moment(models, tmp_path, request):
    data, ((old, old_hashes, _), (new, new_hashes, seconds)) = models
    assert all(old_hashes[name] != new_hashes[name] for name in FILES)
    kills = KILLS if request.config.getoption("--all") else KILLS_BY_DEFAULT
    generator = random.Random(SEED)
    states = set()
    for _ in range(kills):
        run_calib8("export", *arguments_for(old, data, tmp_path), "--quiet", check=True)
        command = [calib8_program(), "export", *map(str, arguments_for(new, data, tmp_path)), "--quiet"]
        process = subprocess.Popen(command)
        time.sleep(generator.uniform(0, 1.05 * seconds))
        process.kill()
        process.wait()
        found, described = hashes(tmp_path), metadata_of(tmp_path)
        for name in FILES:
            assert found[name] in (old_hashes[name], new_hashes[name]), f"{name} is neither the old nor the new file"
        assert described in (old_hashes, new_hashes)
        if described == new_hashes:
            assert found == new_hashes, "the metadata was there before the files it describes"
        states.add(tuple(found[name] == new_hashes[name] for name in FILES))
    print(f"seed {SEED}: {kills} kills, {len(states)} states of the files: {sorted(states)}")
    run_calib8("export", *arguments_for(new, data, tmp_path), "--quiet", check=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted((*FILES, METADATA)), "a temporary file was left"
    assert hashes(tmp_path) == metadata_of(tmp_path) == new_hashes
