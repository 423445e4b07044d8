"""Whole modules that were made to run code where PyTorch loads them: nothing runs, and each is refused by name."""

import functools
import importlib
import io
import operator
import os
import pathlib
import pickle
import pickletools
import subprocess
import zipfile

import numpy as np
import pytest
import torch
from conftest import run_calib8
from support.checkpoint_files import rewrite
from support.module_files import refuse
from torch import nn


class Calls:
    """An object whose pickle calls something."""

    def __init__(self, function, *arguments):
        self.call = (function, arguments)

    def __reduce__(self):
        return self.call


def module():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.Sequential(nn.ReLU(), nn.Flatten(), nn.Linear(36, 2)))


def attribute(model, value):
    model.extra = value


def nested_attribute(model, value):
    model[1][2].extra = {"deep": [1, (2, value)]}


def child(model, value):
    model[1]._modules["3"] = value


def parameter(model, value):
    model[0]._parameters["scale"] = value


def own_attribute(model, value):
    model[0].stride = value


PLACES = [attribute, nested_attribute, child, parameter, own_attribute]
CALLS = {
    "posix.system": lambda proof: Calls(os.system, f"touch {proof}"),
    "eval": lambda proof: Calls(eval, f"open({str(proof)!r}, 'w')"),
    "getattr": lambda proof: Calls(getattr, Calls(importlib.import_module, "os"), "system"),
    "importlib.import_module": lambda proof: Calls(importlib.import_module, "antigravity"),
    "subprocess.Popen": lambda proof: Calls(subprocess.Popen, ["touch", str(proof)]),
    "operator.attrgetter": lambda proof: Calls(operator.attrgetter, "system"),
    "pathlib.Path.unlink": lambda proof: Calls(pathlib.Path.unlink, pathlib.Path(proof)),
    "numpy.load": lambda proof: Calls(np.load, str(proof)),
    "torch.nn.modules.linear.Linear": lambda proof: Calls(nn.Linear, 2, 2),
}


@pytest.mark.parametrize("protocol", [2, 4])
@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.__name__)
@pytest.mark.parametrize("name", CALLS)
def test_calls_anywhere_in_a_module(name, place, protocol, tmp_path):
    model = module()
    place(model, CALLS[name](tmp_path / "proof"))
    torch.save(model, tmp_path / "model.pt", pickle_protocol=protocol)
    said = refuse(tmp_path / "model.pt", tmp_path / "out", flags=["--input-size", "5"])
    # Whatever the file names first of it; protocol 2 writes a method as getattr of its class.
    assert any(word in said for word in (name.split(".")[-1], "importlib", "getattr")), said
    assert not (tmp_path / "proof").exists()


def with_opcodes(path, old: bytes, new: bytes):
    """The saved module with some of its pickle's bytes replaced."""
    torch.save(module(), path)
    changed = []

    def change(name, content):
        if not name.endswith("data.pkl"):
            return content
        assert old in content
        changed.append(content)
        return content.replace(old, new, 1)

    rewrite(path, change)
    assert changed
    return path


LINEAR = b"ctorch.nn.modules.linear\nLinear\n"
OPCODES = {
    "INST": (LINEAR, b"(ios\nsystem\n0" + LINEAR, "opcode 105"),
    "OBJ": (LINEAR, b"(cos\nsystem\no0" + LINEAR, "os.system"),
    "EXT1": (LINEAR, b"\x82\x010" + LINEAR, "opcode 130"),
    "NEWOBJ_EX": (LINEAR, b"ctypes\nSimpleNamespace\n)}X\x01\x00\x00\x00aK\x01s\x920" + LINEAR, "keyword"),
    "a persistent id": (LINEAR, b"X\x06\x00\x00\x00secretQ0" + LINEAR, "outside"),
    "a persistent tuple": (LINEAR, b"(X\x06\x00\x00\x00secretK\x01tQ0" + LINEAR, "secret"),
    "a class that looks alike": (LINEAR, b"ctorch.nn.modules.linear\nL\xc4\xb1near\n", "near"),
    "a module that looks alike": (LINEAR, b"ctorch.nn.modules.Iinear\nLinear\n", "Iinear"),
    "a path of attributes": (LINEAR, b"\x8c\x05torch\x8c\x17serialization.os.system\x930" + LINEAR, "os.system"),
    "a builtin by way of a module": (LINEAR, b"\x8c\x05torch\x8c\x18functional.builtins.exec\x930" + LINEAR, "exec"),
}


@pytest.mark.parametrize("name", OPCODES)
def test_opcodes_that_no_module_needs(name, tmp_path):
    old, new, word = OPCODES[name]
    path = with_opcodes(tmp_path / "model.pt", old, new)
    refuse(path, tmp_path / "out", word, flags=["--input-size", "5"])


class OwnState(nn.Module):
    def __getstate__(self):
        return ("a tuple", "that __setstate__ would read")

    def __setstate__(self, state):
        raise AssertionError("nothing is run")


def test_a_state_that_only_its_class_can_read(tmp_path):
    model = module()
    model[1]._modules["3"] = OwnState()
    torch.save(model, tmp_path / "model.pt")
    refuse(tmp_path / "model.pt", tmp_path / "out", '"1.3"', "OwnState", "state", flags=["--input-size", "5"])


def test_a_bound_method_in_place_of_forward(tmp_path):
    model = module()
    model[0].forward = model[0].extra_repr  # pickled as getattr(module, "extra_repr")
    torch.save(model, tmp_path / "model.pt")
    refuse(tmp_path / "model.pt", tmp_path / "out", "getattr")


def test_a_function_in_place_of_forward(tmp_path):
    model = module()
    model[0].forward = torch.nn.functional.relu
    torch.save(model, tmp_path / "model.pt")
    refuse(tmp_path / "model.pt", tmp_path / "out", '"0"', "forward()")


def test_what_is_inert_is_not_refused(tmp_path):
    """Objects that a module holds and that nobody reads: named classes and functions, never called."""
    model = module()
    model.norm_layer = functools.partial(nn.BatchNorm2d, eps=0.001)
    model.activation = torch.nn.functional.gelu
    model.block = nn.Linear
    torch.save(model, tmp_path / "model.pt")
    run_calib8("export", tmp_path / "model.pt", "--quantize", "none", "--output-dir", tmp_path / "out", "--input-size", 5, check=True)


def test_the_tests_pickles_are_what_they_say(tmp_path):
    """PyTorch's own reading of such a file does run it: the refusals above are of real attacks."""
    model = module()
    attribute(model, Calls(os.system, f"touch {tmp_path / 'proof'}"))
    buffer = io.BytesIO()
    torch.save(model, buffer)
    with zipfile.ZipFile(buffer) as archive:
        pickled = archive.read("archive/data.pkl")
    assert any(opcode.name == "REDUCE" for opcode, _, _ in pickletools.genops(pickled))
    assert pickle.loads(pickle.dumps(Calls(os.system, f"touch {tmp_path / 'proof'}"))) == 0
    assert (tmp_path / "proof").exists()
