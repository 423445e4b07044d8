"""Writes the seeds of checkpoint_fuzz into fuzz/corpus/checkpoint/: small files of every kind that the reader tells apart."""

import argparse
import collections
import datetime
import pathlib
import sys
import types
import warnings
import zipfile

import numpy as np
import torch


class Net(torch.nn.Module):
    pass


class Hostile:
    def __reduce__(self):
        return eval, ("1",)


def state_dict():
    return collections.OrderedDict(
        [("0.weight", torch.arange(6.0).reshape(2, 3)), ("1.num_batches_tracked", torch.tensor(3))]
    )


def tensors():
    weight = torch.arange(12.0).reshape(3, 4)
    parameter = torch.nn.Parameter(torch.ones(2))
    parameter.tag = "x"
    types = [torch.float64, torch.float16, torch.bfloat16, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool]
    return {
        "tied": weight, "again": weight, "transposed": weight.t(), "slice": weight[1:, ::2], "expanded": torch.ones(1).expand(2, 2),
        "parameter": torch.nn.Parameter(torch.ones(2)), "tagged": parameter, "empty": torch.empty(0, 2), "scalar": torch.tensor(1.0),
    } | {str(dtype): torch.ones(2, dtype=dtype) for dtype in types}  # fmt: skip


def plain_values():
    zone = datetime.timezone(datetime.timedelta(hours=-2))
    return {
        "none": None, "bool": True, "float": 0.5, "long": 2**40, "huge": 2**64 - 1, "vast": -(2**80), "text": "größe",
        "list": [1, (2, 3), {4}, frozenset([5])], "ordered": collections.OrderedDict(a=1), "bytes": b"\xff", "array": bytearray(b"ab"),
        "counts": collections.defaultdict(int, a=1), "counter": collections.Counter("aab"),
        "namespace": argparse.Namespace(lr=0.1), "path": pathlib.PurePosixPath("/a/b"), "moment": datetime.datetime(2024, 5, 17, 1, 2, 3, 4, zone),
        "day": datetime.date(2024, 5, 17), "clock": datetime.time(1, 2), "span": datetime.timedelta(1),
        "size": torch.Size([1, 2]), "dtype": torch.float16, "device": torch.device("cuda:1"), "complex": 1j,
    }  # fmt: skip


def numpy_values():
    rows = np.arange(6, dtype=np.int16).reshape(2, 3)
    return {
        "f8": np.float64(0.1), "f4": np.float32(0.5), "f2": np.float16(1.5), "u8": np.uint64(2**64 - 1), "b": np.bool_(True),
        "rows": rows, "columns": np.asfortranarray(rows), "swapped": rows.astype(">i2"), "empty": np.zeros(0), "type": np.dtype("f4"),
    }  # fmt: skip


class Block(torch.nn.Module):
    """The structure of Ultralytics' classes, which a pickle names; what they compute is nobody's business here."""

    def __init__(self, attributes=None, **modules):
        super().__init__()
        self.__dict__.update(attributes or {})
        for name, module in modules.items():
            self.add_module(name, module)


def named(class_module, name):
    """A class of that name, where pickle finds it."""
    parent = sys.modules.setdefault(class_module, types.ModuleType(class_module))
    made = getattr(parent, name, None) or type(name, (Block,), {"__module__": class_module})
    setattr(parent, name, made)
    return made


def conv(inputs, outputs, kernel=1, stride=1):
    layer = torch.nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False)
    return named("ultralytics.nn.modules.conv", "Conv")(conv=layer, bn=torch.nn.BatchNorm2d(outputs), act=torch.nn.SiLU())


def detector():
    block, head = "ultralytics.nn.modules.block", "ultralytics.nn.modules.head"
    nn = torch.nn
    attention = named(block, "Attention")({"num_heads": 1, "key_dim": 1, "head_dim": 2, "scale": 1.0}, qkv=conv(2, 4), proj=conv(2, 2), pe=conv(2, 2, 3))
    layers = [
        conv(3, 4, 3, 8),
        named(block, "C2f")({"c": 2}, cv1=conv(4, 4), cv2=conv(6, 4), m=nn.ModuleList([named(block, "Bottleneck")({"add": True}, cv1=conv(2, 2), cv2=conv(2, 2))])),
        named(block, "C2PSA")({"c": 2}, cv1=conv(4, 4), cv2=conv(4, 4), m=nn.Sequential(named(block, "PSABlock")({"add": True}, attn=attention, ffn=conv(2, 2)))),
        nn.Upsample(None, 2, "nearest"), nn.MaxPool2d(2), named("ultralytics.nn.modules.conv", "Concat")({"d": 1}),
        named(head, "Detect")({"nc": 1, "reg_max": 2, "stride": torch.tensor([8.0])}, cv2=nn.ModuleList([conv(8, 8)]), cv3=nn.ModuleList([conv(8, 1)]),
                              dfl=named(block, "DFL")({"c1": 2}, conv=nn.Conv2d(2, 1, 1, bias=False))),
    ]  # fmt: skip
    for i, layer in enumerate(layers):
        layer.i, layer.f = i, {5: [-1, 1], 6: [5]}.get(i, -1)
    return named("ultralytics.nn.tasks", "DetectionModel")({"names": {0: "a"}}, model=nn.Sequential(*layers)).half()


def layers():
    nn = torch.nn
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, padding="same", padding_mode="reflect"), nn.GroupNorm(2, 4), nn.PReLU(4), nn.AvgPool2d(2), nn.ConvTranspose2d(4, 4, 2, 2),
        nn.InstanceNorm2d(4), nn.ZeroPad2d(1), nn.PixelUnshuffle(2), nn.AdaptiveAvgPool2d((3, 5)), nn.Upsample(scale_factor=2, mode="bilinear"), nn.GLU(1),
        nn.Flatten(), nn.Linear(480, 4), nn.LayerNorm(4), nn.Unflatten(1, (2, 2)), nn.Softmax(-1),
    )  # fmt: skip


def seeds():
    """Name -> the object and torch.save's options."""
    state = state_dict()
    checkpoint = {"model_state_dict": state, "optimizer": {"state": {0: torch.ones(1)}}, "epoch": 3, "classes": ["a"]}
    return {
        "state": (state, {}),
        "checkpoint": (checkpoint, {}),
        "tensors": (tensors(), {}),
        "unsigned": ({str(t): torch.ones(2).to(t) for t in (torch.uint16, torch.uint32, torch.uint64)}, {}),
        "complex": ({"a": torch.ones(2, dtype=torch.complex64)}, {}),
        "values": ({"config": plain_values(), "model": state}, {}),
        "values4": ({"hparams": plain_values(), "net": state}, {"pickle_protocol": 4}),
        "numpy": ({"args": numpy_values(), "model": state}, {}),
        "numpy5": ({"args": numpy_values(), "model": state}, {"pickle_protocol": 5}),
        "wrapped": ({"state_dict": {f"module._orig_mod.{name}": value for name, value in state.items()}}, {}),
        "nested": ({"best.one": {"x": {"model": {"a._orig_mod.b": torch.ones(1)}}, "cfg": {"a": 1}}}, {}),
        "averaged": ({"n_averaged": torch.tensor(1), "module.a": torch.ones(1)}, {}),
        "list": ([1, "a"], {}),
        "module": (Net(), {}),
        "layers": (layers(), {}),
        "detector": ({"model": detector(), "ema": None, "train_args": {"imgsz": 32}}, {}),
        "hostile": ({"a": Hostile()}, {}),
    }


def protocol_0(little_endian=b"I01\n"):
    """What only protocol 0 and old versions of PyTorch write: opcodes of text, and a storage that is a part of another."""
    storage = b"(S'storage'\nctorch\nFloatStorage\nS'k'\nVcpu\nL2L\n(S'v'\nI1\nI1\nttQ"
    tensor = b"ctorch._utils\n_rebuild_tensor\n(" + storage + b"I0\n(I1\nt(I1\nttR"
    config = b"(lp1\nF1.5\naS'\\x61\\n'\naVx\\u00e9\nag1\n0N20aT\x01\x00\x00\x00aaU\x01aa(NN1"
    values = b"(dp0\nS'a'\n" + tensor + b"sS'config'\n" + config + b"s."
    system = b"(dS'little_endian'\n" + little_endian + b"s."
    magic = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."
    return magic + b"M\xe9\x03." + system + values + b"(lS'k'\na." + (2).to_bytes(8, "little") + bytes(8)


def others():
    """Files that something else wrote."""
    return {
        "protocol0": protocol_0(),
        "big_endian": protocol_0(b"I00\n"),
        "safetensors": (10).to_bytes(8, "little") + b'{"a":{} } ',
        "hdf5": b"\x89HDF\r\n\x1a\n" + bytes(8),
        "pickle": b"\x80\x04N.",
        "tar": bytes(257) + b"ustar\x00",
        "text": b"version https://git-lfs.github.com/spec/v1\n",
    }


def main():
    folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent / "corpus/checkpoint")
    folder.mkdir(parents=True, exist_ok=True)
    warnings.simplefilter("ignore")
    for name, (value, options) in seeds().items():
        torch.save(value, folder / f"{name}.pth", **options)
        torch.save(value, folder / f"{name}_legacy.pth", _use_new_zipfile_serialization=False, **options)
    for name, content in others().items():
        (folder / name).write_bytes(content)
    for name in ("constants.pkl", "archive_format", "byteorder", "a.npy", "x"):
        with zipfile.ZipFile(folder / f"with_{name}.zip", "w") as archive:
            archive.writestr("m/data.pkl" if name in ("constants.pkl", "byteorder") else "m/other", "N.")
            archive.writestr(f"m/{name}", "big")


if __name__ == "__main__":
    main()
