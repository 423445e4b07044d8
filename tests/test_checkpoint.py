"""What calib8 reads from checkpoints, held against PyTorch, which writes them."""

import argparse
import collections
import datetime
import math
import os
import pathlib
import pickle
import struct
import zipfile

import numpy as np
import pytest
import torch
from support.checkpoint_files import check, refuse, rewrite, small_model

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
     (torch.load, "torch.serialization.load")],
)  # fmt: skip
@pytest.mark.parametrize("protocol", [2, 4])
def test_other_globals(save, hostile, name, protocol):
    name = name if protocol == 2 else name.replace("__builtin__", "builtins")
    refuse(save({"model": small_model().state_dict(), "extra": hostile}, pickle_protocol=protocol), name, "list")


@pytest.mark.parametrize("inert", [Custom(), torch.nn.functional.relu, torch.nn.CrossEntropyLoss(torch.ones(3))])
def test_objects_beside_a_state_dict(save, inert):
    state_dict = small_model().state_dict()
    check(save({"model": state_dict, "extra": inert}), state_dict)
    refuse(save({"extra": inert}), "state_dict")


def test_whole_module(save):
    """Its tensors are those of its state_dict; tests/test_modules.py is about what they are of."""
    model = small_model()
    model.names = {0: "a", 1: "b"}
    found = check(save(model), model.state_dict())
    assert found["found_at"] == "" and found["config"] == {"names": {"0": "a", "1": "b"}}
    found = check(save({"model": model, "epoch": 1}), model.state_dict())
    assert found["found_at"] == "model" and found["config"]["epoch"] == 1


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
