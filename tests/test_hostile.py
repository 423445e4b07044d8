"""Hostile files through the command line: each gets one line and its status, never a signal, a hang or an output."""

import hashlib
import json
import os
import pathlib
import pickle
import random
import shutil
import zipfile

import numpy as np
import onnx
import onnx.helper
import onnx.numpy_helper
import pytest
import torch
from conftest import run_calib8
from support import torchvision_models

MODEL_ERROR = 3
MEMORY_LIMIT = 2 << 30  # bytes of address space beyond which a hostile file must not drive the program
TIMEOUT = 60
TRUNCATIONS, TRUNCATIONS_BY_DEFAULT = 64, 12
BIT_FLIPS, BIT_FLIPS_BY_DEFAULT = 100, 20
SEED = 20


def some(count, by_default):
    return [number if number < by_default else pytest.param(number, marks=pytest.mark.slow) for number in range(count)]


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory):
    """A small valid checkpoint (4 MB)."""
    path = tmp_path_factory.mktemp("valid") / "model.pth"
    torch.manual_seed(0)
    torchvision_models.save_checkpoint(
        torchvision_models.build("mobilenet_v3_small", num_classes=2), "mobilenet_v3_small", path
    )
    return path


@pytest.fixture(scope="session")
def onnx_file(checkpoint, tmp_path_factory):
    folder = tmp_path_factory.mktemp("onnx")
    run_calib8("export", checkpoint, "--format", "onnx", "--input-size", 32, "--output-dir", folder, check=True)
    return folder / "model.onnx"


@pytest.fixture(scope="session")
def tflite_file(onnx_file, tmp_path_factory):
    folder = tmp_path_factory.mktemp("tflite")
    run_calib8("export", onnx_file, "--quantize", "none", "--output-dir", folder, check=True)
    return folder / "model.tflite"


def limit_memory():
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT, MEMORY_LIMIT))


def export(path, folder, *arguments):
    done = run_calib8(
        "export", path, "--quantize", "none", "--output-dir", folder, *arguments, timeout=TIMEOUT, preexec_fn=limit_memory
    )
    assert done.returncode in (0, MODEL_ERROR), (done.returncode, done.stdout, done.stderr)
    return done


def refuse(path, folder, *words):
    done = export(path, folder)
    assert done.returncode == MODEL_ERROR, done.stdout
    (line,) = done.stderr.strip().splitlines()
    assert line.startswith("calib8: ")
    for word in words:
        assert word in line, line
    assert not folder.exists() or not list(folder.iterdir())


@pytest.fixture
def source(request, checkpoint):
    """The valid file of each kind that calib8 reads."""
    kind = request.param
    return checkpoint if kind == "pth" else request.getfixturevalue(f"{kind}_file")


every_kind = pytest.mark.parametrize("source", ["pth", "onnx", "tflite"], indirect=True)


@pytest.mark.parametrize("number", some(TRUNCATIONS, TRUNCATIONS_BY_DEFAULT))
def test_truncated(number, checkpoint, tmp_path):
    content = checkpoint.read_bytes()
    places = [0, 1, 3, 30, len(content) - 1, len(content) - 22, len(content) - 100]
    generator = random.Random(SEED + number)
    place = places[number] if number < len(places) else generator.randrange(len(content))
    (tmp_path / "cut.pth").write_bytes(content[:place])
    refuse(tmp_path / "cut.pth", tmp_path / "out")


@pytest.mark.parametrize("number", some(BIT_FLIPS, BIT_FLIPS_BY_DEFAULT))
@every_kind
def test_bit_flip(number, source, tmp_path):
    """Half of the flips anywhere, half in the first and last 8 kB, where the structure is."""
    content = bytearray(source.read_bytes())
    generator = random.Random(SEED + number)
    position = generator.randrange(len(content))
    if number % 2:
        position = generator.choice([generator.randrange(8192), len(content) - 1 - generator.randrange(8192)])
    content[position] ^= 1 << generator.randrange(8)
    path = tmp_path / f"flipped{source.suffix}"
    path.write_bytes(content)
    done = export(path, tmp_path / "out")
    if done.returncode:
        assert len(done.stderr.strip().splitlines()) == 1, done.stderr
        assert not (tmp_path / "out").exists() or not list((tmp_path / "out").glob("*.tflite"))


@pytest.mark.parametrize("number", some(TRUNCATIONS, 4))
@every_kind
def test_truncated_everywhere(number, source, tmp_path):
    content = source.read_bytes()
    (tmp_path / "cut").write_bytes(content[: random.Random(SEED + number).randrange(len(content))])
    export(tmp_path / "cut", tmp_path / "out")


class Runs:
    """Runs a command when it is unpickled as Python does."""

    def __init__(self, command):
        self.command = command

    def __reduce__(self):
        return os.system, (self.command,)


@pytest.mark.parametrize("legacy", [False, True])
def test_pickle_that_calls_os_system(legacy, tmp_path):
    marker = tmp_path / "ran"
    content = {"model": {"weight": torch.ones(3)}, "extra": Runs(f"touch {marker}")}
    torch.save(content, tmp_path / "model.pth", _use_new_zipfile_serialization=not legacy)
    refuse(tmp_path / "model.pth", tmp_path / "out", "system")
    assert not marker.exists()


def test_bare_pickle_that_calls_os_system(tmp_path):
    marker = tmp_path / "ran"
    (tmp_path / "model.pth").write_bytes(pickle.dumps(Runs(f"touch {marker}")))
    refuse(tmp_path / "model.pth", tmp_path / "out")
    assert not marker.exists()


def rewritten(checkpoint, target, change):
    """A copy whose pickle is changed by `change`, with a right CRC."""
    with zipfile.ZipFile(checkpoint) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as new:
        for member in old.infolist():
            content = old.read(member)
            new.writestr(member.filename, change(content) if member.filename.endswith("data.pkl") else content)


@pytest.mark.parametrize("number", some(40, 8))
def test_pickle_with_changed_bytes(number, checkpoint, tmp_path):
    generator = random.Random(SEED + number)

    def change(content):
        content = bytearray(content)
        for _ in range(3):
            content[generator.randrange(len(content))] = generator.randrange(256)
        return bytes(content)

    rewritten(checkpoint, tmp_path / "model.pth", change)
    export(tmp_path / "model.pth", tmp_path / "out")


def test_wrong_checksum(checkpoint, tmp_path):
    content = bytearray(checkpoint.read_bytes())
    with zipfile.ZipFile(checkpoint) as archive:
        member = next(entry for entry in archive.infolist() if entry.filename.endswith("/data/0"))
    content[member.header_offset + 200] ^= 1
    (tmp_path / "model.pth").write_bytes(content)
    refuse(tmp_path / "model.pth", tmp_path / "out")


def test_deep_nesting_and_memo_bomb(tmp_path):
    deep = b"\x80\x02" + b"]" * 1_000_000 + b"a" * 999_999 + b"."
    doubling = b"\x80\x02]q\x00" + b"".join(b"]q" + bytes([n + 1]) + b"(" + (b"h" + bytes([n])) * 100 + b"e" for n in range(30)) + b"."
    for name, content in (("deep", deep), ("bomb", doubling)):
        with zipfile.ZipFile(tmp_path / f"{name}.pth", "w") as archive:
            archive.writestr(f"{name}/data.pkl", content)
            archive.writestr(f"{name}/version", "3\n")
        refuse(tmp_path / f"{name}.pth", tmp_path / "out")


# --- ONNX with external data ---


def external_model(folder, location, offset=0, length=None):
    """One convolution whose weights are said to be in `location`."""
    folder.mkdir(parents=True, exist_ok=True)
    weights = np.ones((8, 3, 3, 3), np.float32)
    tensor = onnx.numpy_helper.from_array(weights, "weights")
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    for key, value in (("location", location), ("offset", offset), ("length", length or weights.nbytes)):
        entry = tensor.external_data.add()
        entry.key, entry.value = key, str(value)
    node = onnx.helper.make_node("Conv", ["image", "weights"], ["logits"])
    image = onnx.helper.make_tensor_value_info("image", onnx.TensorProto.FLOAT, [1, 3, 8, 8])
    logits = onnx.helper.make_tensor_value_info("logits", onnx.TensorProto.FLOAT, [1, 8, 6, 6])
    graph = onnx.helper.make_graph([node], "graph", [image], [logits], [tensor])
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 20)])
    path = folder / "model.onnx"
    path.write_bytes(model.SerializeToString())
    return path, weights.tobytes()


def test_external_data_in_its_folder(tmp_path):
    path, content = external_model(tmp_path / "model", "weights.bin")
    (tmp_path / "model" / "weights.bin").write_bytes(content)
    done = export(path, tmp_path / "out", "--json")
    assert done.returncode == 0
    assert json.loads(done.stdout)["model"]["external_data"] == [
        {"file": "weights.bin", "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    ]


@pytest.mark.parametrize("way", ["parent", "absolute", "symlink", "linked folder", "hardlink", "device", "hidden parent"])
def test_external_data_that_leaves_its_folder(way, tmp_path):
    secret = tmp_path / "secret.bin"
    folder = tmp_path / "model"
    locations = {
        "parent": "../secret.bin", "absolute": str(secret), "device": "/dev/zero", "hidden parent": "a/../../secret.bin",
        "linked folder": "linked/secret.bin",
    }  # fmt: skip
    path, content = external_model(folder, locations.get(way, "weights.bin"))
    secret.write_bytes(content)
    (folder / "a").mkdir()
    if way == "symlink":
        (folder / "weights.bin").symlink_to(secret)
    elif way == "linked folder":
        (folder / "linked").symlink_to(tmp_path)
    elif way == "hardlink":
        os.link(secret, folder / "weights.bin")
    refuse(path, tmp_path / "out")


@pytest.mark.parametrize(("offset", "length"), [(0, 10**12), (2**63 - 1, None), (-4, None), (100, None), (0, 3)])
def test_external_data_with_lying_sizes(offset, length, tmp_path):
    path, content = external_model(tmp_path / "model", "weights.bin", offset, length)
    (tmp_path / "model" / "weights.bin").write_bytes(content)
    refuse(path, tmp_path / "out")


def test_external_data_that_is_missing(tmp_path):
    path, _ = external_model(tmp_path / "model", "weights.bin")
    refuse(path, tmp_path / "out", "weights.bin")


def test_initializer_with_lying_shape(onnx_file, tmp_path):
    model = onnx.load(onnx_file)
    for dims in ([2**40, 2**40], [-1, 3], [2**31, 4], [10**9]):
        changed = onnx.ModelProto()
        changed.CopyFrom(model)
        del changed.graph.initializer[0].dims[:]
        changed.graph.initializer[0].dims.extend(dims)
        (tmp_path / "model.onnx").write_bytes(changed.SerializeToString())
        refuse(tmp_path / "model.onnx", tmp_path / "out")


@pytest.mark.parametrize("name", ["a folder", "a device", "a pipe"])
def test_what_is_no_file(name, tmp_path):
    path = tmp_path / "model.pth"
    if name == "a folder":
        path.mkdir()
    elif name == "a pipe":
        os.mkfifo(path)
    else:
        path = pathlib.Path("/dev/zero")
    refuse(path, tmp_path / "out")


@pytest.mark.parametrize("change", ["deep", "no interval", "a text", "a number", "a list", "null", "cut"])
def test_metadata_from_anywhere(change, onnx_file, tmp_path):
    run_calib8("export", onnx_file, "--quantize", "none", "--output-dir", tmp_path, check=True)
    path = tmp_path / "model.tflite.quantization_metadata"
    text = path.read_text()
    metadata = json.loads(text)
    if change == "deep":
        text = text.replace('"measured"', '"more": ' + "[" * 100_000 + "]" * 100_000 + ', "measured"', 1)
    elif change == "cut":
        text = text[: len(text) // 2]
    elif change == "no interval":
        metadata["measured"]["verification"] = {
            "samples": 1, "sqnr_decibels": 1, "latency": {"float_milliseconds": 1, "quantized_milliseconds": 1, "rounds": 1},
            "worst_layers": [], "agreement": {"agreeing": 1, "interval_95": []},
        }  # fmt: skip
        text = json.dumps(metadata)
    else:
        other = {"a text": "text", "a number": -1, "a list": [[]], "null": None}[change]
        for member in ("model", "options", "outputs", "measured"):
            path.write_text(json.dumps(metadata | {member: other}))
            done = run_calib8("inspect", path)
            assert done.returncode == MODEL_ERROR and member in done.stderr, done
        text = json.dumps({"schema_version": other})
    path.write_text(text)
    for more in ((), ("--json",)):
        done = run_calib8("inspect", path, *more)
        assert done.returncode == MODEL_ERROR, done
        assert json.loads(done.stdout)["error"]["code"] == "model" if more else done.stdout == "", done
        assert len(done.stderr.splitlines()) == 1 and done.stderr.startswith("calib8: ")


def test_names_with_terminal_codes_are_shown_safely(tmp_path, checkpoint):
    state_dict = torch.load(checkpoint, weights_only=True)
    state_dict["\x1b]0;owned\x07.weight"] = torch.ones(1)
    torch.save(state_dict, tmp_path / "model.pth")
    for arguments in (("inspect", tmp_path / "model.pth"), ("export", tmp_path / "model.pth", "--quantize", "none", "--output-dir", tmp_path)):
        done = run_calib8(*arguments)
        assert "\x1b" not in done.stdout + done.stderr and "\x07" not in done.stdout + done.stderr
    shutil.rmtree(tmp_path)
