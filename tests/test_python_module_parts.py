"""The functions of the modules that `--create-module` writes, part by part: against torchvision, Pillow and NumPy."""

import hashlib

import numpy as np
import pytest
import torch
from conftest import ROOT
from PIL import Image

CODE = (ROOT / "src" / "pipeline" / "python_module.py").read_text()


def module(*names, **constants):
    """What a written module of these parts holds, with some of its constants replaced."""
    head, *parts = CODE.split("\n# part: ")
    by_name = {part.split("\n", 1)[0]: part.split("\n", 1)[1] for part in parts}
    namespace = {"__name__": "module"}
    exec(head, namespace)
    namespace.update(constants)
    for name in names:
        exec(by_name[name], namespace)
    return namespace


def picture(height, width, seed=0):
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8))


@pytest.mark.parametrize("size", [(40, 30), (30, 40), (33, 33), (200, 17), (16, 90)])
def test_shortest_side_and_crop(size):
    """torchvision's Resize(25) and CenterCrop((24, 20)): the longer side is rounded down, half a pixel to the even one."""
    parts = module("resize-pillow", "fit", HEIGHT=24, WIDTH=20, RESIZE_MODE="shortest-side", RESIZE_HEIGHT=25)
    image = picture(*size)
    height, width = (25 * side // min(size) for side in size)
    top, left = round((height - 24) / 2), round((width - 20) / 2)
    expected = np.asarray(image.resize((width, height), Image.BILINEAR))[top : top + 24, left : left + 20]
    np.testing.assert_array_equal(parts["fit"](image), expected)


@pytest.mark.parametrize(("order", "channels"), [("rgb", 3), ("bgr", 3), ("gray", 1)])
def test_values_are_torchs(order, channels):
    mean, std = (0.4, 0.5, 0.6)[:channels], (0.2, 0.3, 0.4)[:channels]
    parts = module("resize-pillow", "fit", HEIGHT=8, WIDTH=9, RESIZE_HEIGHT=8, RESIZE_WIDTH=9, CHANNEL_ORDER=order, MEAN=mean, STD=std)
    image = picture(20, 20)
    small = (image.convert("L") if order == "gray" else image).resize((9, 8), Image.BILINEAR)
    tensor = torch.from_numpy(np.array(small).reshape(8, 9, channels)).to(torch.float32).div(255)
    tensor = (tensor.flip(2) if order == "bgr" else tensor).sub(torch.tensor(mean)).div(torch.tensor(std))
    np.testing.assert_array_equal(parts["preprocess"](image)[0], tensor.numpy())


def test_letterbox_pads_and_keeps_the_proportions():
    parts = module("resize-pillow", "fit", HEIGHT=32, WIDTH=32, RESIZE_MODE="letterbox", PAD=114)
    fitted = parts["fit"](Image.new("RGB", (64, 20), (9, 9, 9)))
    assert parts["resized_size"](20, 64) == (10, 32)
    assert (fitted[11:21] == 9).all() and (fitted[:11] == 114).all() and (fitted[21:] == 114).all()


def test_deep_gray_is_clipped(tmp_path):
    Image.fromarray(np.array([[0, 200, 257, 65535]], np.uint16)).save(tmp_path / "deep.png")
    assert np.asarray(module("decode")["load"](str(tmp_path / "deep.png")))[0, :, 0].tolist() == [0, 200, 255, 255]


def test_rows_of_arrays():
    read_row = module("arrays")["read_row"]
    batch = np.random.default_rng(0).random((5, 3, 4, 6), np.float32)
    np.testing.assert_array_equal(read_row({"a": batch}, "a", (1, 4, 6, 3), 2), batch[2:3].transpose(0, 2, 3, 1))
    np.testing.assert_array_equal(read_row({"b": batch[0]}, "a", (1, 3, 4, 6), 0), batch[0:1])
    with pytest.raises(ValueError, match="doesn't fit"):
        read_row({"a": batch}, "a", (1, 4, 6, 4), 0)


@pytest.mark.parametrize(("size", "lengths"), [(1, [1, 1, 1, 1, 1]), (2, [2, 2, 1]), (5, [5]), (9, [5])])
def test_batches_and_changed_files(tmp_path, size, lengths):
    values = np.random.default_rng(0).random((5, 4), np.float32)
    np.save(tmp_path / "a.npy", values)
    samples = [("a.npy", None, row, hashlib.sha256(values[row].tobytes()).hexdigest()) for row in range(5)]
    parts = module("arrays", "batches", SAMPLES=samples, INPUTS=(("", (1, 4)),), ROOT=str(tmp_path))
    found = list(parts["batches"](size, root=str(tmp_path), check=True))
    assert [len(batch) for batch in found] == lengths
    np.testing.assert_array_equal(np.concatenate(found), values)
    np.save(tmp_path / "a.npy", values + 1)
    with pytest.raises(ValueError, match="SHA-256"):
        list(parts["batches"](size, root=str(tmp_path), check=True))
