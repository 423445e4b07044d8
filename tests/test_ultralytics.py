"""Ultralytics' checkpoints: what calib8 rebuilds of the pickled classes computes what they do in Ultralytics' form for
export. The first tests have stand-ins under Ultralytics' names, written from the papers and their forward() in plain PyTorch;
the others run where the package itself is installed."""

import pickletools
import sys
import types
import zipfile

import numpy as np
import pytest
import torch
from support.module_files import behaving, check, refuse
from torch import nn

SIZE = 64


# Stand-ins


class Conv(nn.Module):
    def __init__(self, c1, c2, k=1, s=1, g=1, act=True):
        super().__init__()
        self.conv = nn.Conv2d(c1, c2, k, s, k // 2, groups=g, bias=False)
        self.bn = nn.BatchNorm2d(c2, eps=0.001)
        self.act = nn.SiLU() if act else nn.Identity()

    def forward(self, x):
        return self.act(self.bn(self.conv(x)))


class Bottleneck(nn.Module):
    def __init__(self, c, shortcut):
        super().__init__()
        self.cv1, self.cv2, self.add = Conv(c, c, 3), Conv(c, c, 3), shortcut

    def forward(self, x):
        y = self.cv2(self.cv1(x))
        return x + y if self.add else y


class C2f(nn.Module):
    def __init__(self, c1, c2, n, shortcut):
        super().__init__()
        self.c = c2 // 2
        self.cv1, self.cv2 = Conv(c1, c2), Conv((2 + n) * self.c, c2)
        self.m = nn.ModuleList(Bottleneck(self.c, shortcut) for _ in range(n))

    def forward(self, x):
        y = list(torch.chunk(self.cv1(x), 2, 1))
        for m in self.m:
            y.append(m(y[-1]))
        return self.cv2(torch.cat(y, 1))


class SPPF(nn.Module):
    """Without `n`, as versions before 8.4 have it."""

    def __init__(self, c):
        super().__init__()
        self.cv1, self.cv2, self.m = Conv(c, c // 2), Conv(2 * c, c), nn.MaxPool2d(5, 1, 2)

    def forward(self, x):
        a = self.cv1(x)
        b = self.m(a)
        c = self.m(b)
        return self.cv2(torch.cat((a, b, c, self.m(c)), 1))


class Concat(nn.Module):
    def __init__(self):
        super().__init__()
        self.d = 1

    def forward(self, x):
        return torch.cat(x, self.d)


class DFL(nn.Module):
    def __init__(self, c1):
        super().__init__()
        self.conv = nn.Conv2d(c1, 1, 1, bias=False)
        self.conv.weight.data[:] = torch.arange(c1, dtype=torch.float).view(1, c1, 1, 1)
        self.c1 = c1


class Detect(nn.Module):
    """Boxes from the expected distances of their sides, a formula of its own: no view and no convolution."""

    def __init__(self, nc, channels, strides):
        super().__init__()
        self.nc, self.nl, self.reg_max, self.stride = nc, len(channels), 16, torch.tensor(strides)
        self.cv2 = nn.ModuleList(nn.Sequential(Conv(c, 16, 3), nn.Conv2d(16, 64, 1)) for c in channels)
        self.cv3 = nn.ModuleList(nn.Sequential(Conv(c, 16, 3), nn.Conv2d(16, nc, 1)) for c in channels)
        self.dfl = DFL(16)

    def forward(self, x):
        columns = []
        for level, map_ in enumerate(x):
            sides, scores = self.cv2[level](map_)[0], self.cv3[level](map_)[0].sigmoid()
            stride = float(self.stride[level])
            for row in range(map_.shape[2]):
                for column in range(map_.shape[3]):
                    left, top, right, bottom = (torch.softmax(sides[16 * i : 16 * i + 16, row, column], 0) @ torch.arange(16.0) for i in range(4))
                    x1, y1, x2, y2 = column + 0.5 - left, row + 0.5 - top, column + 0.5 + right, row + 0.5 + bottom
                    box = torch.stack([(x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1]) * stride
                    columns.append(torch.cat([box, scores[:, row, column]]))
        return torch.stack(columns, 1)[None]


class Classify(nn.Module):
    def __init__(self, c1, c2):
        super().__init__()
        self.conv, self.pool, self.drop, self.linear = Conv(c1, 32), nn.AdaptiveAvgPool2d(1), nn.Dropout(0.0), nn.Linear(32, c2)

    def forward(self, x):
        return self.linear(self.conv(x).mean((2, 3))).softmax(1)


class Model(nn.Module):
    def __init__(self, layers):
        super().__init__()
        for i, (source, layer) in enumerate(layers):
            layer.i, layer.f, layer.type = i, source, type(layer).__name__
        self.model, self.save = nn.Sequential(*(layer for _, layer in layers)), []

    def forward(self, x):
        y = []
        for m in self.model:
            if m.f != -1:
                x = y[m.f] if isinstance(m.f, int) else [x if j == -1 else y[j] for j in m.f]
            x = m(x)
            y.append(x)
        return x


class DetectionModel(Model):
    pass


class ClassificationModel(Model):
    pass


class IterableSimpleNamespace(types.SimpleNamespace):
    """What the arguments of a training are, until the checkpoint is stripped."""


MODULES = {
    "ultralytics.utils": [IterableSimpleNamespace],
    "ultralytics.nn.modules.conv": [Conv, Concat],
    "ultralytics.nn.modules.block": [Bottleneck, C2f, SPPF, DFL],
    "ultralytics.nn.modules.head": [Detect, Classify],
    "ultralytics.nn.tasks": [DetectionModel, ClassificationModel],
}


@pytest.fixture
def stand_ins(monkeypatch):
    """The classes above, as pickle finds them under Ultralytics' names."""

    def named(modules):
        for name, classes in modules.items():
            module = types.ModuleType(name)
            monkeypatch.setitem(sys.modules, name, module)
            for each in classes:
                monkeypatch.setattr(each, "__module__", name)
                setattr(module, each.__name__, each)

    for name in ("ultralytics", "ultralytics.nn", "ultralytics.nn.modules"):
        monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
    named(MODULES)
    return named


def detector(channels=3):
    torch.manual_seed(0)
    layers = [
        (-1, Conv(channels, 8, 3, 2)), (-1, Conv(8, 16, 3, 2)), (-1, C2f(16, 16, 2, True)), (-1, Conv(16, 32, 3, 2)), (-1, SPPF(32)),
        (-1, nn.Upsample(None, 2, "nearest")), ([-1, 2], Concat()), (-1, C2f(48, 16, 1, False)), ([7, 4], Detect(3, (16, 32), (4.0, 8.0))),
    ]  # fmt: skip
    model = behaving(DetectionModel(layers))
    model.names, model.yaml, model.task = {0: "ant", 1: "bee", 2: "cat"}, {"nc": 3}, "detect"
    return model


def classifier():
    torch.manual_seed(0)
    model = behaving(ClassificationModel([(-1, Conv(3, 8, 3, 2)), (-1, C2f(8, 16, 1, True)), (-1, Classify(16, 3))]))
    model.names = {0: "ant", 1: "bee", 2: "cat"}
    return model


def saved(model, path, **others):
    """As Ultralytics' trainer strips it: half precision, the average in place of the model."""
    torch.save({"date": "2024-01-01", "version": "8.3.0", "model": model.half(), "ema": None, "train_args": {"imgsz": SIZE, "classes": [1]}, **others}, path)
    return model



def test_a_detector(stand_ins, tmp_path):
    model = saved(detector(), tmp_path / "best.pt")
    report = check(tmp_path / "best.pt", model, torch.rand(1, 3, SIZE, SIZE), tmp_path / "out")
    assert "Ultralytics, task detect" in report["said"]
    written = (tmp_path / "out/model.tflite.quantization_metadata").read_text()
    assert '"bee"' in written and str(SIZE) in written


def test_another_size_and_oblong(stand_ins, tmp_path):
    model = saved(detector(), tmp_path / "best.pt")
    check(tmp_path / "best.pt", model, torch.rand(1, 3, 48, 96), tmp_path / "out", "--input-size", "48x96")


def test_one_channel(stand_ins, tmp_path):
    model = saved(detector(channels=1), tmp_path / "best.pt")
    check(tmp_path / "best.pt", model, torch.rand(1, 1, SIZE, SIZE), tmp_path / "out")


def test_a_classifier(stand_ins, tmp_path):
    model = saved(classifier(), tmp_path / "best.pt")
    report = check(tmp_path / "best.pt", model, torch.rand(1, 3, SIZE, SIZE), tmp_path / "out")
    assert "Ultralytics, task classify" in report["said"]


def test_the_average_is_taken_first(stand_ins, tmp_path):
    average = classifier()
    average.args = IterableSimpleNamespace(imgsz=SIZE, lr0=0.01)
    average.model[2].linear.bias.data += torch.tensor([1.0, 0.0, -1.0])
    optimizer = {"state": {0: {"momentum_buffer": torch.ones(3)}}, "param_groups": [{"lr": 0.1}]}
    saved(classifier(), tmp_path / "last.pt", ema=average.half(), optimizer=optimizer)
    check(tmp_path / "last.pt", average, torch.rand(1, 3, SIZE, SIZE), tmp_path / "out")


def test_first_versions_had_all_modules_in_one_file(stand_ins, tmp_path):
    stand_ins({"ultralytics.nn.modules": [Conv, Concat, Bottleneck, C2f, SPPF, DFL, Detect, Classify]})
    model = saved(detector(), tmp_path / "best.pt")
    check(tmp_path / "best.pt", model, torch.rand(1, 3, SIZE, SIZE), tmp_path / "out")


def test_a_fused_model(stand_ins, tmp_path):
    """BatchNorm already in the convolutions, and gone."""
    model = detector()
    expected = detector()
    for m in model.modules():
        if isinstance(m, Conv):
            fused = nn.utils.fusion.fuse_conv_bn_eval(m.conv.eval(), m.bn.eval())
            del m.bn
            m.conv = fused
    torch.save({"model": model, "train_args": {"imgsz": SIZE}}, tmp_path / "best.pt")
    check(tmp_path / "best.pt", expected, torch.rand(1, 3, SIZE, SIZE), tmp_path / "out")


def test_what_does_not_fit_is_refused(stand_ins, tmp_path):
    path, out = tmp_path / "best.pt", tmp_path / "out"

    def refused(change, *words):
        model = detector()
        change(model)
        torch.save({"model": model, "train_args": {"imgsz": SIZE}}, path)
        refuse(path, out, *words)

    refused(lambda m: setattr(m.model[6], "f", [-1, 40]), '"model.6"', "output")
    refused(lambda m: setattr(m.model[8], "f", [7]), "feature maps")
    refused(lambda m: setattr(m.model[8], "stride", torch.ones(7)), "stride")
    refused(lambda m: setattr(m.model[8], "reg_max", 2**40), "model.8")
    refused(lambda m: setattr(m.model[4], "n", 10**9), "larger")
    refused(lambda m: delattr(m.model[2], "cv1"), '"cv1"')
    refused(lambda m: m.model[8].add_module("dfl", nn.CrossEntropyLoss()), "CrossEntropyLoss")


# The package itself


def write_images(folder):
    """Eight pictures of a bright box each, of two classes by turns, in YOLO's layout."""
    from PIL import Image

    rng = np.random.default_rng(0)
    for part in ("images", "labels"):
        (folder / part).mkdir(parents=True)
    for i in range(8):
        pixels = rng.integers(0, 80, (80, 96, 3), dtype=np.uint8)
        x, y = rng.integers(10, 40, 2)
        pixels[y : y + 30, x : x + 40] = 220
        Image.fromarray(pixels).save(folder / f"images/{i}.png")
        (folder / f"labels/{i}.txt").write_text(f"{i % 2} {(x + 20) / 96} {(y + 15) / 80} {40 / 96} {30 / 80}\n")
    (folder / "data.yaml").write_text(f"path: {folder}\ntrain: images\nval: images\nnames: {{0: ant, 1: bee}}\n")
    return folder / "data.yaml"


@pytest.mark.needs("ultralytics")
def test_what_a_training_leaves(tmp_path, monkeypatch):
    """After two epochs: the checkpoint of the first, with its optimizer, and the best one, stripped."""
    monkeypatch.setenv("YOLO_OFFLINE", "1")
    monkeypatch.setenv("YOLO_CONFIG_DIR", str(tmp_path))
    from support.torchvision_models import torchvision
    from ultralytics import YOLO

    monkeypatch.setattr(torchvision.ops, "nms", lambda boxes, scores, threshold: scores.argsort(descending=True)[:50])
    YOLO("yolov8n.yaml").train(data=write_images(tmp_path / "data"), epochs=2, imgsz=96, batch=4, workers=0, device="cpu", project=str(tmp_path), name="run",
                               plots=False, val=False, save_period=1)  # fmt: skip
    for name in ("epoch0", "best"):
        path = tmp_path / f"run/weights/{name}.pt"
        content = torch.load(path, weights_only=False)
        model = in_export_form((content["ema"] or content["model"]).float())
        report = check(path, model, torch.rand(1, 3, 96, 96), tmp_path / name)
        assert report["model"]["class_names"] == ["ant", "bee"] and report["model"]["input_size"] == [96, 96]

NAMES = [
    "yolov8n", "yolov8s", "yolo11n", "yolo11s", "yolov8n-cls", "yolo11n-cls", "yolov8n-seg", "yolo11n-seg", "yolov8n-pose", "yolo11n-pose", "yolov8n-obb",
    "yolo11n-obb", "yolov5n", "yolov3-tiny", "yolov6n", "yolov8n-p2", "yolov8n-ghost", "yolov9t", "yolov9c", "yolov10n", "yolov10s", "yolo12n", "yolo26n",
    "yolo26n-seg", "yolo26n-pose", "yolo26n-obb", "yolo26n-cls",
]  # fmt: skip
LARGE = ["yolov8m", "yolov8l", "yolov8x", "yolo11m", "yolo11l", "yolo11x", "yolov9e", "yolov10m", "yolov10b", "yolov10l", "yolov10x", "yolo12s", "yolo12m", "yolo12l", "yolo12x",
         "yolov5s", "yolov5m", "yolov5l", "yolov5x", "yolo26s", "yolo26m", "yolo26l", "yolo26x"]  # fmt: skip


def in_export_form(model):
    head = model.model[-1]
    head.export, head.format = True, "tflite"
    if hasattr(head, "end2end"):
        head.end2end = False  # as Ultralytics' own export to int8 takes it
    return model


@pytest.mark.needs("ultralytics")
@pytest.mark.parametrize("name", [*NAMES, *(pytest.param(name, marks=pytest.mark.slow) for name in LARGE)])
def test_models_of_the_package(name, tmp_path, monkeypatch):
    monkeypatch.setenv("YOLO_OFFLINE", "1")
    monkeypatch.setenv("YOLO_CONFIG_DIR", str(tmp_path))
    from support import torchvision_models  # noqa: F401  (torchvision without its binary)
    from ultralytics import YOLO

    torch.manual_seed(0)
    yolo = YOLO(f"{name}.yaml")
    behaving(yolo.model)
    path = tmp_path / "best.pt"
    yolo.save(path)
    model = in_export_form(torch.load(path, weights_only=False)["model"].float())
    check(path, model, torch.rand(1, 3, SIZE, SIZE), tmp_path / "out", "--input-size", SIZE)
    with zipfile.ZipFile(path) as archive:
        pickled = archive.read(next(member for member in archive.namelist() if member.endswith("data.pkl")))
    names = {argument for opcode, argument, _ in pickletools.genops(pickled) if opcode.name == "GLOBAL"}
    beginnings = ("torch ", "torch._utils ", "torch.nn.modules.", "collections OrderedDict", "__builtin__ set", "ultralytics.nn.modules.", "ultralytics.nn.tasks ")
    assert 15 <= len(names) <= 45 and all(each.startswith(beginnings) for each in names), names
