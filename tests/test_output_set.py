"""The files of an export appear together or not at all, and none takes the place of a file that is read."""

import hashlib
import json
import os
import resource
import subprocess
import threading

import onnx
import pytest
from conftest import calib8_program, run_calib8
from support import images, small_onnx

SMALL = ("--num-calib-samples", 8, "--verify-samples", 4, "--min-agreement", 0)
FILES = ("model.onnx", "model.tflite", "model.tflite.quantization_metadata", "plan.json")
USAGE, MODEL, DATASET, OUTPUT = 2, 3, 4, 7


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """Two models and data."""
    folder = tmp_path_factory.mktemp("models")
    small_onnx.save_image_classifier(folder / "a.onnx")
    small_onnx.save_image_classifier(folder / "b.onnx", classes=7)
    images.write_images(folder / "data", 12)
    return folder


def arguments(model, models, out, *more, data=None):
    return ("export", model, "--dataset-dir", data or models / "data", *SMALL, "--output-dir", out, "--plan-out", out / "plan.json", *more)


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def described(folder):
    """Whether the files are those that the metadata describes."""
    outputs = json.loads((folder / FILES[2]).read_text())["outputs"]
    return all(outputs[kind]["sha256"] == hashlib.sha256((folder / f"model.{kind}").read_bytes()).hexdigest() for kind in ("onnx", "tflite"))


@pytest.fixture
def earlier(models, tmp_path):
    """A folder with an export of the first model."""
    run_calib8(*arguments(models / "a.onnx", models, tmp_path / "out"), check=True)
    assert set(contents(tmp_path / "out")) == set(FILES)
    return tmp_path / "out"


def unlowerable(folder):
    """Valid and written as ONNX; TFLite's pools have no dilation."""
    model = onnx.load(folder / "b.onnx")
    model.graph.node[0].input[0] = "pooled"
    pool = {"kernel_shape": [3, 3], "dilations": [2, 2], "pads": [2, 2, 2, 2]}
    model.graph.node.insert(0, onnx.helper.make_node("MaxPool", ["image"], ["pooled"], **pool))
    onnx.save(model, folder / "unlowerable.onnx")
    return folder / "unlowerable.onnx"


def limit_files():
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))


@pytest.mark.parametrize(
    ("status", "why"),
    [(DATASET, "no data"), (MODEL, "no model"), (OUTPUT, "full disk"), (6, "no runtime")],
)
def test_a_failed_export_leaves_the_earlier_set(status, why, models, earlier):
    before = contents(earlier)
    options = {
        "full disk": {"preexec_fn": limit_files},
        "no runtime": {"env": os.environ | {"CALIB8_LITERT": "/nowhere"}},
    }.get(why, {})
    model = models / "b.onnx"
    if why == "no model":  # what can't be lowered is found behind the writing of model.onnx
        model = unlowerable(models)
    data = "nowhere" if why == "no data" else None
    done = run_calib8(*arguments(model, models, earlier, data=data), **options)
    assert done.returncode == status, done.stderr
    assert len([line for line in done.stderr.splitlines() if line.startswith("calib8: ")]) == 1
    assert contents(earlier) == before


@pytest.mark.parametrize("name", FILES)
def test_one_that_cannot_be_put_in_place(name, models, earlier):
    """A folder takes a file's place while the export runs: nothing is new."""
    before = contents(earlier)
    (earlier / name).unlink()
    (earlier / name).mkdir()
    done = run_calib8(*arguments(models / "b.onnx", models, earlier))
    assert done.returncode == OUTPUT and name in done.stderr
    after = {path.name: path.read_bytes() for path in earlier.iterdir() if path.is_file()}
    assert after == {other: content for other, content in before.items() if other != name}


def test_two_exports_into_one_folder(models, tmp_path):
    for _ in range(8):
        commands = [[calib8_program(), *map(str, arguments(models / name, models, tmp_path / "out", "--quiet"))] for name in ("a.onnx", "b.onnx")]
        processes = [subprocess.Popen(command, stderr=subprocess.DEVNULL) for command in commands]
        assert [process.wait(60) for process in processes] == [0, 0]
        assert described(tmp_path / "out")
        assert set(contents(tmp_path / "out")) == set(FILES)


# --- nothing that is read is written over ---


def refuse(what, *command, **options):
    done = run_calib8(*command, **options)
    assert done.returncode == USAGE, (done.returncode, done.stderr)
    line = done.stderr.splitlines()[-1]
    assert what in line, line


@pytest.mark.parametrize(("link", "target"), [("model.tflite", "model.onnx"), (FILES[2], "model.tflite"), ("plan.json", "model.onnx"), ("model.onnx", "plan.json")])
@pytest.mark.parametrize("kind", ["to nothing", "to a file", "hard", "by a folder"])
def test_outputs_that_are_one_file(kind, link, target, models, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    if kind in ("to a file", "hard"):
        (out / target).write_text("old")
    if kind == "hard":
        os.link(out / target, out / link)
    elif kind == "by a folder":
        (tmp_path / "other").symlink_to(out)
        (out / link).symlink_to(tmp_path / "other" / target)
    else:
        (out / link).symlink_to(target)
    refuse("two outputs", *arguments(models / "a.onnx", models, out))
    assert not (out / target).exists() or (out / target).read_text() == "old"


def test_plan_over_an_image(models, tmp_path):
    data = tmp_path / "data"
    images.write_images(data, 12)
    (data / "list.txt").write_text("notes of mine")
    (tmp_path / "link.png").symlink_to(data / "image0.png" if (data / "image0.png").exists() else sorted(data.iterdir())[0])
    before = contents(data)
    base = ("export", models / "a.onnx", "--dataset-dir", data, *SMALL, "--output-dir", tmp_path / "out", "--plan-out")
    for path in (sorted(data.iterdir())[1], data / "list.txt", tmp_path / "link.png"):
        refuse("data set", *base, path)
    assert contents(data) == before and not (tmp_path / "out").exists() or not list((tmp_path / "out").iterdir())
    run_calib8(*base, data / "plan.json", check=True)
    run_calib8(*base, data / "plan.json", check=True)  # what it wrote itself it may replace


def test_outputs_over_inputs(models, tmp_path):
    names = [path.name for path in sorted((models / "data").iterdir())]
    (tmp_path / "samples.json").write_text(json.dumps(names))
    (tmp_path / "steps.json").write_text(json.dumps({"height": 32, "width": 32}))
    base = ("export", models / "a.onnx", "--dataset-dir", models / "data", *SMALL, "--output-dir", tmp_path / "out")
    refuse("samples", *base, "--samples-in", tmp_path / "samples.json", "--plan-out", tmp_path / "samples.json")
    refuse("preprocessing", *base, "--preprocessing", tmp_path / "steps.json", "--plan-out", tmp_path / "steps.json")
    refuse("model", *base, "--plan-out", models / "a.onnx")
    os.link(tmp_path / "samples.json", tmp_path / "hard.json")
    refuse("samples", *base, "--samples-in", tmp_path / "samples.json", "--plan-out", tmp_path / "hard.json")
    listed = tmp_path / "list.txt"
    listed.write_text("".join(f"{models / 'data' / name}\n" for name in names))
    refuse("data set", "export", models / "a.onnx", "--dataset-dir", listed, "--follow-links", *SMALL, "--output-dir", tmp_path / "out", "--plan-out", listed)
    assert json.loads((tmp_path / "samples.json").read_text()) == names


def test_metadata_repeat_their_own_export(models, earlier):
    """As the documentation has it: the metadata of an export as samples and steps of the next, in the same place."""
    metadata = earlier / FILES[2]
    before = json.loads(metadata.read_text())
    run_calib8(*arguments(models / "a.onnx", models, earlier, "--samples-in", metadata, "--preprocessing", metadata), check=True)
    after = json.loads(metadata.read_text())
    assert after["dataset"]["calibration"] == before["dataset"]["calibration"]
    metadata.write_text(json.dumps([path.name for path in sorted((models / "data").iterdir())]))
    refuse("samples", *arguments(models / "a.onnx", models, earlier, "--samples-in", metadata))


def test_outputs_over_external_weights(models, tmp_path):
    onnx.save(onnx.load(models / "a.onnx"), tmp_path / "m.onnx", save_as_external_data=True, location="model.tflite", size_threshold=0)
    before = (tmp_path / "model.tflite").read_bytes()
    refuse("model", *arguments(tmp_path / "m.onnx", models, tmp_path))
    assert (tmp_path / "model.tflite").read_bytes() == before and not (tmp_path / "model.onnx").exists()


def test_outputs_of_the_dataset_command(models, tmp_path):
    data = tmp_path / "data"
    images.write_images(data, 6)
    before = contents(data)
    image = sorted(data.iterdir())[0]
    refuse("data set", "dataset", "--data-dir", data, "--preview", image)
    refuse("data set", "dataset", "--data-dir", data, "--create-module", "--output", image)
    (tmp_path / "a.html").symlink_to("b.py")
    refuse("two outputs", "dataset", "--data-dir", data, "--preview", tmp_path / "a.html", "--create-module", "--output", tmp_path / "b.py")
    assert contents(data) == before


def test_one_that_describes_the_other_is_last(models, tmp_path):
    """A reader that looks at any moment finds files whole."""
    stop = threading.Event()
    wrong = []

    def watch():
        while not stop.is_set():
            for name, start in (("model.onnx", b"\x08"), (FILES[2], b"{")):
                try:
                    content = (tmp_path / "out" / name).read_bytes()
                except FileNotFoundError:
                    continue
                if not content.startswith(start) or (start == b"{" and not content.endswith(b"}\n")):
                    wrong.append(name)

    thread = threading.Thread(target=watch)
    thread.start()
    for name in ("a.onnx", "b.onnx", "a.onnx"):
        run_calib8(*arguments(models / name, models, tmp_path / "out"), check=True)
    stop.set()
    thread.join()
    assert not wrong
