"""What calib8 reads from checkpoints, held against PyTorch, which writes them."""

import argparse
import collections
import datetime
import hashlib
import io
import json
import math
import os
import pathlib
import pickle
import random
import struct
import subprocess
import sys
import zipfile
import zlib

import numpy as np
import pytest
import torch

MODEL_ERROR = 3
SIGNATURE_CENTRAL = b"PK\x01\x02"


def binary():
    beside = pathlib.Path(sys.executable).parent / "calib8"
    return os.environ.get("CALIB8_BINARY", str(beside))


def inspect(path):
    return subprocess.run(
        [binary(), "inspect", str(path), "--json"], capture_output=True, text=True, timeout=60, check=False
    )


def read(path):
    result = inspect(path)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def refuse(path, *words):
    """The file is refused as a model file, in one line that has the words."""
    result = inspect(path)
    assert result.returncode == MODEL_ERROR, (result.returncode, result.stdout[:300], result.stderr)
    lines = result.stderr.strip().splitlines()
    assert len(lines) == 1, result.stderr
    for word in words:
        assert word in lines[0], lines[0]
    return lines[0]


def describe(tensor):
    tensor = tensor.detach().contiguous()
    content = tensor.view(-1).view(torch.uint8).numpy().tobytes() if tensor.numel() else b""
    return {
        "dtype": str(tensor.dtype).removeprefix("torch."),
        "shape": list(tensor.shape),
        "sha256": hashlib.sha256(content).hexdigest(),
    }


def expected(state_dict):
    return [{"name": name, **describe(tensor)} for name, tensor in state_dict.items() if torch.is_tensor(tensor)]


def check(path, state_dict):
    found = read(path)
    assert found["tensors"] == expected(state_dict)
    return found


def small_model():
    torch.manual_seed(0)
    return torch.nn.Sequential(
        torch.nn.Conv2d(3, 8, 3, bias=False), torch.nn.BatchNorm2d(8), torch.nn.Flatten(), torch.nn.Linear(8, 4)
    )


DTYPES = [
    torch.float64, torch.float32, torch.float16, torch.bfloat16,
    torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool,
]  # fmt: skip
UNSIGNED_DTYPES = [torch.uint16, torch.uint32, torch.uint64]


def tensor_of(dtype):
    values = torch.arange(24).reshape(2, 3, 4)
    return (values % 2).to(dtype) if dtype == torch.bool else values.to(dtype)


@pytest.fixture(params=[True, False], ids=["zip", "legacy"])
def save(request, tmp_path):
    def save_to_file(value, name="model.pth", **options):
        path = tmp_path / name
        torch.save(value, path, _use_new_zipfile_serialization=request.param, **options)
        return path

    return save_to_file


# What is read


def test_state_dict(save):
    state_dict = small_model().state_dict()
    found = check(save(state_dict), state_dict)
    assert found["found_at"] == "" and found["config"] == {}
    assert "1.num_batches_tracked" in [tensor["name"] for tensor in found["tensors"]]


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_pickle_protocols(save, protocol):
    state_dict = small_model().state_dict()
    config = {"name": "x" * 300, "sizes": (1, 2, 3, 4), "big": 2**40, "set": {1}, "raw": b"ab", "array": bytearray(b"\xff"), "empty": b"", "path": pathlib.Path("a")}
    found = check(save({"config": config, "model": state_dict}, pickle_protocol=protocol), state_dict)
    assert found["config"] == {
        "name": "x" * 300, "sizes": [1, 2, 3, 4], "big": 2**40, "set": [1], "raw": "ab", "array": "\xff", "empty": "", "path": "a",
    }  # fmt: skip


def test_dtypes(save):
    state_dict = {str(dtype).removeprefix("torch."): tensor_of(dtype) for dtype in DTYPES}
    check(save(state_dict), state_dict)


def test_unsigned_dtypes(tmp_path):
    state_dict = {str(dtype).removeprefix("torch."): tensor_of(dtype) for dtype in UNSIGNED_DTYPES}
    torch.save(state_dict, tmp_path / "model.pth")
    check(tmp_path / "model.pth", state_dict)


def test_shapes(save):
    state_dict = {
        "scalar": torch.tensor(3.5), "empty": torch.empty(0), "empty_rows": torch.empty(0, 7),
        "deep": torch.arange(1.0).reshape([1] * 12), "one": torch.ones(1),
    }  # fmt: skip
    check(save(state_dict), state_dict)


def test_tied_strided_and_sliced(save):
    weight = torch.arange(120.0).reshape(10, 12)
    image = torch.arange(2 * 3 * 4 * 5.0).reshape(2, 3, 4, 5)
    state_dict = {
        "tied.a": weight, "tied.b": weight, "transposed": weight.t(), "rows": weight[2:5], "columns": weight[:, 3:7],
        "every_other": weight[::2, ::3], "diagonal": weight[:10, :10].diagonal(), "expanded": torch.ones(1).expand(4, 4),
        "channels_last": image.contiguous(memory_format=torch.channels_last), "half": weight.half().t()[1:],
        "one": weight[3:4, 5:6], "bytes": weight.to(torch.uint8).t(), "double": weight.double()[:, 1],
        "unfolded": torch.arange(6.0).unfold(0, 3, 1),
    }  # fmt: skip
    check(save(state_dict), state_dict)


def test_parameters(save):
    model = small_model()
    state_dict = collections.OrderedDict(model.named_parameters())
    tagged = torch.nn.Parameter(torch.arange(6.0).reshape(2, 3))
    tagged.tag = "an attribute"  # pickled with the parameter's state
    state_dict["tagged"] = tagged
    check(save(state_dict), state_dict)


def test_tensor_with_attributes(save):
    tensor = torch.arange(4.0)
    tensor.note = "hello"
    check(save({"a": tensor, "b": torch.ones(2)}), {"a": tensor, "b": torch.ones(2)})


def test_views_of_storages_of_pytorch_before_0_4(tmp_path):
    """Legacy files may say that a storage is a part of another."""
    storage = torch.arange(10.0)
    path = tmp_path / "old.pth"
    torch.save({"a": storage}, path, _use_new_zipfile_serialization=False)
    content = path.read_bytes()
    # The count of elements is followed by None where a view (key, offset, count) may stand; the tensor has 10 elements.
    old, new = b"K\nNt", b"K\nX\x01\x00\x00\x00vK\x03K\x04\x87t"
    assert content.count(old) == 1
    content = content.replace(old, new)
    shape_old, shape_new = b"K\x00K\n\x85", b"K\x01K\x03\x85"
    assert content.count(shape_old) == 1
    path.write_bytes(content.replace(shape_old, shape_new))
    check(path, {"a": storage[4:7]})


@pytest.mark.parametrize("key", ["model_state_dict", "state_dict", "model", "net", "weights_of_mine"])
def test_nested_under_key(save, key):
    model = small_model()
    optimizer = torch.optim.Adam(model.parameters())
    model(torch.ones(2, 3, 3, 3)).sum().backward()
    optimizer.step()
    checkpoint = {
        "epoch": 3, "optimizer": optimizer.state_dict(), "rng": torch.get_rng_state(), key: model.state_dict(),
        "arch": "small", "classes": ["a", "b"], "loss": 0.25,
    }  # fmt: skip
    found = check(save(checkpoint), model.state_dict())
    assert found["found_at"] == key
    assert found["config"] == {"epoch": 3, "arch": "small", "classes": ["a", "b"], "loss": 0.25}


def test_nested_twice(save):
    state_dict = small_model().state_dict()
    found = check(save({"best": {"model.state": 1, "state_dict": state_dict, "args": {"arch": "b0"}}}), state_dict)
    assert found["found_at"] == "best.state_dict"
    assert found["config"] == {"arch": "b0"}


def test_defaultdict_holds_the_state(save):
    state_dict = small_model().state_dict()
    holder = collections.defaultdict(dict, model=dict(state_dict))
    check(save(holder), state_dict)


@pytest.mark.parametrize(
    "prefix",
    ["module.", "_orig_mod.", "model.", "module._orig_mod.", "_orig_mod.module.", "model.module.", "module.model.model."],
)
def test_wrapper_prefixes(save, prefix):
    state_dict = small_model().state_dict()
    wrapped = {prefix + name: tensor for name, tensor in state_dict.items()}
    found = check(save({"state_dict": wrapped}), state_dict)
    assert found["prefix"] == prefix


def test_compiled_part(save):
    state_dict = {"backbone._orig_mod.0.weight": torch.ones(2), "classifier.weight": torch.ones(3)}
    check(save(state_dict), {"backbone.0.weight": torch.ones(2), "classifier.weight": torch.ones(3)})


def test_prefix_of_some_names_stays(save):
    state_dict = {"model.a": torch.ones(2), "head.a": torch.ones(3)}
    check(save(state_dict), state_dict)


def test_real_wrappers(save):
    model = small_model()
    averaged = torch.optim.swa_utils.AveragedModel(model)
    check(save(averaged.state_dict()), model.state_dict())
    check(save(torch.nn.DataParallel(model).state_dict()), model.state_dict())
    check(save(torch.compile(model).state_dict()), model.state_dict())


def test_plain_values(save):
    zone = datetime.timezone(datetime.timedelta(hours=-2, minutes=-30))
    counts = collections.defaultdict(int)
    counts["cat"] += 2
    config = {
        "none": None, "yes": True, "int": -5, "long": 2**40, "huge": 2**63 + 1, "vast": 2**100, "float": 0.1,
        "text": "größe\n", "list": [1, [2.5, "x"]], "tuple": (1, 2), "set": {3}, "frozen": frozenset([4]),
        "ordered": collections.OrderedDict(b=1, a=2), "counts": counts, "counter": collections.Counter("aab"), 5: "five",
        "namespace": argparse.Namespace(lr=0.1, name="run", nested=argparse.Namespace(deep=[1])),
        "posix": pathlib.PurePosixPath("/data/imagenet/val"), "path": pathlib.Path("runs") / "1",
        "windows": pathlib.PureWindowsPath("C:\\data\\x"),
        "moment": datetime.datetime(2024, 5, 17, 13, 45, 7, 250), "zoned": datetime.datetime(2024, 5, 17, 13, tzinfo=zone),
        "day": datetime.date(1999, 12, 31), "clock": datetime.time(7, 5), "span": datetime.timedelta(hours=1.5),
        "size": torch.Size([1, 3, 224, 224]), "dtype": torch.float16, "device": torch.device("cuda:1"),
        "tensor": torch.ones(3), "bytes": b"\x00\xff", "complex": 1 + 2j, "nan": math.nan,
    }  # fmt: skip
    state_dict = small_model().state_dict()
    found = check(save({"config": config, "model_state_dict": state_dict}), state_dict)
    assert found["config"] == {
        "none": None, "yes": True, "int": -5, "long": 2**40, "huge": 2**63 + 1, "vast": hex(2**100), "float": 0.1,
        "text": "größe\n", "list": [1, [2.5, "x"]], "tuple": [1, 2], "set": [3], "frozen": [4],
        "ordered": {"b": 1, "a": 2}, "counts": {"cat": 2}, "counter": {"a": 2, "b": 1}, "5": "five",
        "namespace": {"lr": 0.1, "name": "run", "nested": {"deep": [1]}},
        "posix": "/data/imagenet/val", "path": "runs/1", "windows": "C:\\data/x",
        "moment": "2024-05-17T13:45:07.000250", "zoned": "2024-05-17T13:00:00-02:30",
        "day": "1999-12-31", "clock": "07:05:00", "span": 5400.0,
        "size": [1, 3, 224, 224], "dtype": "float16", "device": "cuda:1", "bytes": "\x00\xff", "complex": [1.0, 2.0],
        "nan": None,
    }  # fmt: skip


def test_numpy_values(save):
    rows = np.arange(6, dtype=np.int16).reshape(2, 3)
    config = {
        "f8": np.float64(0.1), "f4": np.float32(0.5), "f2": np.float16(1.5), "i8": np.int64(-7), "i1": np.int8(-128),
        "u8": np.uint64(2**64 - 1), "u1": np.uint8(255), "b": np.bool_(True), "rows": rows, "columns": np.asfortranarray(rows),
        "swapped": rows.astype(">i2"), "empty": np.zeros((0, 3)), "scalar": np.array(4.0), "type": np.dtype("float32"),
        "flags": np.array([True, False]), "objects": np.array(["a", None], dtype=object),
    }  # fmt: skip
    state_dict = small_model().state_dict()
    for protocol in (2, 5):
        found = check(save({"config": config, "model": state_dict}, pickle_protocol=protocol), state_dict)
        assert found["config"] == {
            "f8": 0.1, "f4": 0.5, "f2": 1.5, "i8": -7, "i1": -128, "u8": 2**64 - 1, "u1": 255, "b": True,
            "rows": rows.tolist(), "columns": rows.tolist(), "swapped": rows.tolist(), "empty": [], "scalar": 4.0,
            "type": "f4", "flags": [True, False],
        }  # fmt: skip


@pytest.mark.parametrize("key", ["config", "hyper_parameters", "hparams", "args", "cfg", "opt"])
def test_config_keys(save, key):
    state_dict = small_model().state_dict()
    checkpoint = {key: argparse.Namespace(arch="resnet18", num_classes=5), "state_dict": state_dict, "epoch": 1}
    assert check(save(checkpoint), state_dict)["config"] == {"arch": "resnet18", "num_classes": 5}


def test_misaligned_archive(tmp_path):
    """Members that are not aligned, as other tools write them, are copied."""
    state_dict = small_model().state_dict()
    torch.save(state_dict, tmp_path / "model.pth")
    with zipfile.ZipFile(tmp_path / "model.pth") as source:
        for pad in range(4):
            with zipfile.ZipFile(tmp_path / "other.pth", "w") as target:
                for name in source.namelist():
                    target.writestr("m" * (pad + 1) + name[name.index("/") :], source.read(name))
            check(tmp_path / "other.pth", state_dict)


# What is refused, with advice


class Custom:
    pass


class CallsSystem:
    def __reduce__(self):
        return os.system, ("touch /nonexistent/owned",)


class CallsEval:
    def __reduce__(self):
        return eval, ("1+1",)


class CallsGetattr:
    def __reduce__(self):
        return getattr, (str, "join")


@pytest.mark.parametrize(
    ("hostile", "name"),
    [(CallsSystem(), "posix.system"), (CallsEval(), "__builtin__.eval"), (CallsGetattr(), "__builtin__.getattr"),
     (Custom(), "Custom"), (torch.nn.functional.relu, "torch.nn.functional.relu"), (torch.load, "torch.serialization.load")],
)  # fmt: skip
@pytest.mark.parametrize("protocol", [2, 4])
def test_other_globals(save, hostile, name, protocol):
    name = name if protocol == 2 else name.replace("__builtin__", "builtins")
    refuse(save({"model": small_model().state_dict(), "extra": hostile}, pickle_protocol=protocol), name, "list")


def test_whole_module(save):
    refuse(save(small_model()), "whole pickled module", "state_dict()")
    refuse(save({"model": small_model(), "epoch": 1}), "whole pickled module", "state_dict()")


def test_torchscript(tmp_path):
    path = tmp_path / "script.pt"
    torch.jit.save(torch.jit.trace(small_model().eval(), torch.ones(1, 3, 3, 3)), path)
    refuse(path, "TorchScript", "torch.onnx.export")


def test_no_state_dict(save):
    refuse(save([1, 2, 3]), "a list", "state_dict")
    refuse(save({"a": 1}), "state_dict")
    refuse(save(torch.ones(3)), "state_dict")
    refuse(save({}), "state_dict")


def test_unsupported_types(tmp_path):
    path = tmp_path / "model.pth"
    torch.save({"a": torch.ones(2, dtype=torch.complex64)}, path)
    refuse(path, '"a"', "Complex")
    torch.save({"a": torch.ones(2).to(torch.float8_e4m3fn)}, path)
    refuse(path, '"a"', "float8_e4m3fn")
    torch.save({"a": torch.quantize_per_tensor(torch.ones(2), 1.0, 0, torch.qint8)}, path)
    refuse(path, "quantized")


def test_plain_pickle(tmp_path):
    path = tmp_path / "model.pkl"
    path.write_bytes(pickle.dumps({"a": np.ones(2)}))
    refuse(path, "pickle", "torch.save")


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"\x89HDF\r\n\x1a\n" + bytes(100), "HDF5"),
        (struct.pack("<Q", 20) + b'{"a":{"dtype":"F32"}}' + bytes(64), "safetensors"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "git lfs pull"),
        (b"<!DOCTYPE html><html></html>", "web page"),
        (b"\x1f\x8b\x08\x00" + bytes(20), "gzip"),
    ],
)
def test_foreign_formats(tmp_path, content, word):
    path = tmp_path / "model.pth"
    path.write_bytes(content)
    refuse(path, word)


def test_big_endian(tmp_path):
    state_dict = small_model().state_dict()
    torch.save(state_dict, tmp_path / "model.pth")
    rewrite(tmp_path / "model.pth", lambda name, content: b"big" if name.endswith("byteorder") else content)
    refuse(tmp_path / "model.pth", "big-endian")


# Hostile files


def rewrite(path, change):
    """Writes the archive anew with the members' content changed."""
    with zipfile.ZipFile(path) as source:
        members = [(name, source.read(name)) for name in source.namelist()]
    with zipfile.ZipFile(path, "w") as target:
        for name, content in members:
            target.writestr(name, change(name, content))


@pytest.fixture(scope="module", params=[True, False], ids=["zip", "legacy"])
def saved(request, tmp_path_factory):
    path = tmp_path_factory.mktemp("saved") / "model.pth"
    torch.save(
        {"model_state_dict": small_model().state_dict(), "config": {"arch": "x"}}, path,
        _use_new_zipfile_serialization=request.param,
    )  # fmt: skip
    return path.read_bytes(), request.param


def test_truncated(saved, tmp_path):
    content, _ = saved
    path = tmp_path / "model.pth"
    for i in range(64):
        path.write_bytes(content[: max(1, len(content) * i // 64)])
        refuse(path)


def test_flipped_bits(saved, tmp_path):
    """A flipped bit is refused, or hits what is not used: in an archive the tensors are then the same."""
    content, is_zip = saved
    path = tmp_path / "model.pth"
    path.write_bytes(content)
    whole = read(path)
    seed = random.randrange(2**32)
    print("seed", seed)
    generator = random.Random(seed)
    for _ in range(100):
        damaged = bytearray(content)
        damaged[generator.randrange(len(content))] ^= 1 << generator.randrange(8)
        path.write_bytes(damaged)
        result = inspect(path)
        assert result.returncode in (0, MODEL_ERROR), (seed, result.stderr)
        if result.returncode == MODEL_ERROR:
            assert len(result.stderr.strip().splitlines()) == 1, result.stderr
        elif is_zip:
            assert json.loads(result.stdout)["tensors"] == whole["tensors"], seed


def with_member(path, name, content):
    torch.save(small_model().state_dict(), path)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(name, content)


def test_wrong_checksum(tmp_path):
    path = tmp_path / "model.pth"
    torch.save(small_model().state_dict(), path)
    content = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        member = next(info for info in archive.infolist() if info.filename.endswith("data/0"))
        position = content.index(archive.read(member))
    content[position] ^= 1
    path.write_bytes(content)
    refuse(path, "data/0", "checksum")


def test_duplicate_member(tmp_path):
    path = tmp_path / "model.pth"
    with pytest.warns(UserWarning, match="Duplicate"):
        with_member(path, "model/data.pkl", b"\x80\x02}.")
    refuse(path, "model/data.pkl", "twice")


def central_entries(content):
    position = content.index(SIGNATURE_CENTRAL)
    while content[position : position + 4] == SIGNATURE_CENTRAL:
        name, extra, comment = struct.unpack_from("<HHH", content, position + 28)
        yield position, content[position + 46 : position + 46 + name].decode()
        position += 46 + name + extra + comment


def test_overlapping_members(tmp_path):
    """Two directory entries that share the same bytes of the file."""
    path = tmp_path / "model.pth"
    state_dict = {"a": torch.ones(8), "b": torch.zeros(8)}
    torch.save(state_dict, path)
    rewrite(path, lambda name, content: content)
    content = bytearray(path.read_bytes())
    entries = {name: position for position, name in central_entries(content)}
    first, second = entries["model/data/0"], entries["model/data/1"]
    content[second : second + 46] = content[first : first + 46]
    path.write_bytes(content)
    refuse(path, "model/data/1")


@pytest.mark.parametrize("field", [20, 24, 42], ids=["stored size", "size", "offset"])
@pytest.mark.parametrize("value", [0, 1, 1000, 2**31, 2**32 - 2])
def test_lies_about_members(tmp_path, field, value):
    path = tmp_path / "model.pth"
    torch.save({"a": torch.ones(8)}, path)
    content = bytearray(path.read_bytes())
    entries = {name: position for position, name in central_entries(content)}
    struct.pack_into("<I", content, entries["model/data/0"] + field, value)
    path.write_bytes(content)
    refuse(path)


def test_sizes_that_lie(tmp_path):
    """The pickle claims more elements than the storage has, and strides that leave it."""
    path = tmp_path / "model.pth"
    for old, new in [(b"K\x20", b"K\x21"), (b"K\x08\x86", b"K\x09\x86"), (b"K\x01\x86", b"K\xff\x86")]:
        torch.save({"a": torch.ones(4, 8)}, path)
        changed = []

        def change(name, content, old=old, new=new, changed=changed):
            if name.endswith("data.pkl"):
                assert old in content
                changed.append(name)
                return content.replace(old, new)
            return content

        rewrite(path, change)
        assert changed
        refuse(path)


def test_expanded_bomb(tmp_path):
    path = tmp_path / "model.pth"
    torch.save({"a": torch.ones(1).expand(2**20, 2**20)}, path)
    refuse(path, '"a"', "repeated")


def archive_of(path, pickled):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("model/data.pkl", pickled)
        archive.writestr("model/version", b"3\n")
    return path


def test_deep_nesting(tmp_path):
    depth = 200000
    path = tmp_path / "model.pth"
    refuse(archive_of(path, b"\x80\x02" + b"]" * depth + b"a" * (depth - 1) + b"."), "deep")
    refuse(archive_of(path, b"\x80\x02" + b"(" * depth + b"t" * depth + b"."), "deep")
    refuse(archive_of(path, b"\x80\x02)" + b"\x85" * depth + b"."), "deep")


def test_memo_bombs(tmp_path):
    path = tmp_path / "model.pth"
    # Each list holds the one before ten times.
    doubling = b"\x80\x02]q\x00"
    for level in range(60):
        doubling += b"](" + b"h" + bytes([level]) + (b"h" + bytes([level])) * 9 + b"eq" + bytes([level + 1])
    doubling += b"1" if False else b""
    nested = b"\x80\x02}X\x06\x00\x00\x00config" + b"]q\x00"
    for level in range(60):
        nested += b"0](" + (b"h" + bytes([level])) * 10 + b"eq" + bytes([level + 1])
    refuse(archive_of(path, nested + b"s."), "repeats")
    # A memo index near 2^32 must not become an allocation of that size.
    refuse(archive_of(path, b"\x80\x02}r\xff\xff\xff\xff."), "state_dict")
    # A list that contains itself.
    refuse(archive_of(path, b"\x80\x02}(X\x06\x00\x00\x00config]q\x00h\x00aX\x01\x00\x00\x00au."), "")


@pytest.mark.parametrize(
    "pickled",
    [
        b"", b".", b"\x80", b"\x80\x06}.", b"\x80\x02}", b"\x80\x02}}.", b"\x80\x02(}.", b"\x80\x02h\x00.", b"\x80\x02s.",
        b"\x80\x02}NR.", b"\x80\x02NNb.", b"\x80\x02ccollections\nOrderedDict\nNR.", b"\x80\x02X\xff\xff\xff\xffa.",
        b"\x80\x04\x8d\xff\xff\xff\xff\xff\xff\xff\xffa.", b"\x80\x04\x95\xff\xff\xff\xff\xff\xff\xff\x7f}.",
        b"\x80\x02\x8b\xff\xff\xff\xff.", b"(iposix\nsystem\n.", b"(cposix\nsystem\no.", b"\x82\x01.", b"\x97.", b"\x80\x02Na.",
    ],
)  # fmt: skip
def test_malformed_pickles(tmp_path, pickled):
    refuse(archive_of(tmp_path / "model.pth", pickled))


def test_compressed_member(tmp_path):
    path = tmp_path / "model.pth"
    torch.save(small_model().state_dict(), path)
    with zipfile.ZipFile(path) as source:
        members = [(name, source.read(name)) for name in source.namelist()]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target:
        for name, content in members:
            target.writestr(name, content)
    refuse(path, "compressed")
