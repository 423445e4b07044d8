"""A trained detector, proven in mAP: with labels of either form, without, and with labels that don't fit."""

import contextlib
import json
import os
import pathlib
import shutil

import numpy as np
import pytest
import torch
from calib8 import _native
from conftest import ROOT, run_calib8
from PIL import Image

SHAPES = ROOT / "examples" / "shapes"
MODEL = SHAPES / "yolov8n_shapes.pt"


def copy_data(folder: pathlib.Path, count: int, labelled: bool = True) -> pathlib.Path:
    """The first pictures of the example."""
    for number in range(count):
        for kind, ending in (("images", "jpg"), ("labels", "txt")) if labelled else (("images", "jpg"),):
            (folder / kind / "val").mkdir(parents=True, exist_ok=True)
            shutil.copy(SHAPES / "data" / kind / "val" / f"{number:04d}.{ending}", folder / kind / "val")
    if labelled:
        shutil.copy(SHAPES / "data/data.yaml", folder)
    return folder


def export(data, out, *flags, effort="fast", status=(0,)):
    """What was measured of the task, what was said, and the whole report."""
    done = run_calib8("export", MODEL, "--dataset-dir", data, "--output-dir", out, "--effort", effort, "--json", *flags)
    assert done.returncode in status, done.stderr
    report = json.loads(done.stdout)
    return report["measured"]["verification"].get("task"), done.stderr, report


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return export(SHAPES / "data", tmp_path_factory.mktemp("whole"), "--num-calib-samples", 60, "--verify-samples", 100, effort="balanced")


def test_int8_loses_little(whole):
    score, said, report = whole
    assert score["against"] == "labels" and score["pictures"] == 100 and score["objects"] > 200
    judged = score["measures"][0]
    assert judged["name"] == "mAP50-95" and judged["float"] > 0.8 and score["measures"][1]["float"] > 0.95
    assert score["loss"] == pytest.approx(judged["float"] - judged["quantized"]) and score["loss"] <= 0.01
    assert score["interval_95"][0] <= score["loss"] <= score["interval_95"][1]
    assert {part["name"] for part in score["parts"]} == {"circle", "square", "triangle"}
    assert report["measured"]["gate"] in ("proven", "unproven") and "mAP50-95" in report["measured"]["verdict"]
    assert report["model"]["class_names"] == ["circle", "square", "triangle"]
    assert "detection  mAP50-95" in said


def test_coco_labels_say_the_same(tmp_path):
    data, coco = copy_data(tmp_path / "yolo", 40), tmp_path / "coco"
    shutil.copytree(data / "images/val", coco / "val")
    file = {"images": [], "annotations": [], "categories": [{"id": 10 + i, "name": name} for i, name in enumerate(["circle", "square", "triangle"])]}
    for number, path in enumerate(sorted((coco / "val").glob("*.jpg"))):
        width, height = Image.open(path).size
        file["images"].append({"id": number, "file_name": path.name, "width": width, "height": height})
        for line in (data / "labels/val" / f"{path.stem}.txt").read_text().splitlines():
            kind, x, y, w, h = map(float, line.split())
            box = [(x - w / 2) * width, (y - h / 2) * height, w * width, h * height]
            file["annotations"].append({"image_id": number, "category_id": 10 + int(kind), "bbox": box, "iscrowd": 0})
    (coco / "annotations").mkdir()
    (coco / "annotations/instances_val.json").write_text(json.dumps(file))
    flags = ("--num-calib-samples", 8, "--verify-samples", 24)
    yolo = export(data, tmp_path / "a", *flags, status=(0, 5))[0]
    from_coco = export(coco, tmp_path / "b", *flags, status=(0, 5))[0]
    assert from_coco["against"] == "labels" and from_coco["objects"] > 30
    for score in (yolo, from_coco):
        assert score["measures"][0]["float"] > 0.75
    flags = ("--num-calib-samples", 1, "--verify-samples", 39)  # nearly the same pictures, whichever are drawn
    yolo, from_coco = (export(folder, tmp_path / "c", *flags, status=(0, 5))[0] for folder in (data, coco))
    assert yolo["measures"][0]["float"] == pytest.approx(from_coco["measures"][0]["float"], abs=0.03)


def test_without_labels_the_float_models_boxes_count(tmp_path):
    data = copy_data(tmp_path / "data", 60, labelled=False)
    score, _, report = export(data / "images", tmp_path / "out", "--num-calib-samples", 20, "--verify-samples", 40, effort="balanced")
    assert score["against"] == "the float model's boxes" and score["measures"][0]["name"] == "mAP50"
    assert score["measures"][0]["float"] == 1 and score["measures"][0]["quantized"] > 0.95
    assert report["measured"]["gate"] != "failed"


def test_what_labels_hold_is_said(tmp_path):
    data = copy_data(tmp_path / "data", 24)
    labels = sorted((data / "labels/val").iterdir())
    labels[0].write_text("1 0.2 0.2 0.4 0.2 0.4 0.4 0.2 0.4\n")  # an outline
    labels[1].write_text("1 0.5 0.5 1.7 0.2\n")  # out of range
    labels[2].write_text("")  # without an object
    labels[3].unlink()
    score, said, _ = export(data, tmp_path / "out", "--num-calib-samples", 1, "--verify-samples", 23, "--seed", 3, status=(0, 5))
    assert score["pictures"] >= 22
    assert "outline" in said and "labels/val/0001.txt:1" in said and "1 picture without a label file" in said


def test_labels_of_another_model_decide_nothing(tmp_path):
    data = copy_data(tmp_path / "data", 24)
    for path in (data / "labels/val").iterdir():
        path.write_text("7 0.5 0.5 0.2 0.2\n")
    (data / "data.yaml").write_text("val: images/val\nnames: [a, b, c, d, e, f, g, h]\n")
    score, said, _ = export(data, tmp_path / "out", "--num-calib-samples", 2, "--verify-samples", 20, status=(0, 5))
    assert score["against"] == "the float model's boxes"
    assert "class 7, and the model has 3 classes" in said and "8 classes of objects" in said
    for path in (data / "labels/val").iterdir():
        path.write_text("0 0.02 0.02 0.01 0.01\n")  # nothing is there
    (data / "data.yaml").write_text("val: images/val\nnames: [circle, square, triangle]\n")
    score, said, report = export(data, tmp_path / "out", "--num-calib-samples", 2, "--verify-samples", 20, status=(0, 5))
    assert score["against"] == "the float model's boxes" and "warning: the float model's mAP50 against the labels" in said
    assert any("mAP50 against the labels" in warning for warning in report["warnings"])


def test_names_number_the_objects(tmp_path):
    data = copy_data(tmp_path / "data", 24)
    for path in (data / "labels/val").iterdir():  # triangle, circle, square
        lines = [line.split(maxsplit=1) for line in path.read_text().splitlines()]
        path.write_text("".join(f"{(int(kind) + 1) % 3} {rest}\n" for kind, rest in lines))
    (data / "data.yaml").write_text("val: images/val\nnames: [Triangle, Circle, Square]\n")
    score, said, _ = export(data, tmp_path / "out", "--num-calib-samples", 2, "--verify-samples", 20, status=(0, 5))
    assert score["against"] == "labels" and score["measures"][0]["float"] > 0.7
    assert "numbered by the names" in said


def test_the_task_may_be_named(tmp_path):
    data = copy_data(tmp_path / "data", 24)
    assert export(data, tmp_path / "out", "--task", "tensors", "--num-calib-samples", 4, "--verify-samples", 4, status=(0, 5))[0] is None
    for words, named in ((("--task", "classification"), "no single one"), (("--max-map-loss", "1.5"), "share from 0 to 1")):
        done = run_calib8("export", MODEL, "--dataset-dir", data, "--output-dir", tmp_path / "no", "--quiet", "--effort", "fast", *words)
        assert done.returncode == 2 and named in done.stderr, done.stderr
    done = run_calib8("export", ROOT / "examples/digits/efficientnet_b0_digits.pth", "--dataset-dir", ROOT / "examples/digits/data", "--effort", "fast",
                      "--output-dir", tmp_path / "no", "--quiet", "--task", "detection", "--num-calib-samples", 8)  # fmt: skip
    assert done.returncode == 2 and "no detector's form" in done.stderr, done.stderr


@contextlib.contextmanager
def ultralytics_model(monkeypatch, folder):
    monkeypatch.setenv("YOLO_OFFLINE", "1")
    monkeypatch.setenv("YOLO_CONFIG_DIR", str(folder))
    from support.torchvision_models import torchvision

    def nms(boxes, scores, limit):
        order, kept = scores.argsort(descending=True, stable=True), []
        while len(order):
            best, order = order[0], order[1:]
            kept.append(best)
            sides = (torch.minimum(boxes[best, 2:], boxes[order, 2:]) - torch.maximum(boxes[best, :2], boxes[order, :2])).clamp(0)
            shared, areas = sides.prod(1), (boxes[:, 2:] - boxes[:, :2]).prod(1)
            order = order[shared / (areas[best] + areas[order] - shared) <= limit]
        return torch.stack(kept) if kept else torch.zeros(0, dtype=torch.long)

    monkeypatch.setattr(torchvision.ops, "nms", nms)
    from ultralytics import YOLO

    yield YOLO


@pytest.mark.needs("ultralytics")
def test_float_has_the_map_of_ultralytics_validation(whole, tmp_path, monkeypatch):
    score, _, report = whole
    data = tmp_path / "data"
    for kind in ("images", "labels"):
        (data / kind / "val").mkdir(parents=True)
    for sample in report["dataset"]["verification"]:
        name = pathlib.Path(sample["path"]).stem
        os.symlink(SHAPES / f"data/images/val/{name}.jpg", data / f"images/val/{name}.jpg")
        os.symlink(SHAPES / f"data/labels/val/{name}.txt", data / f"labels/val/{name}.txt")
    (data / "data.yaml").write_text(f"path: {data}\ntrain: images/val\nval: images/val\nnames: [circle, square, triangle]\n")
    with ultralytics_model(monkeypatch, tmp_path) as yolo:
        found = yolo(MODEL).val(data=data / "data.yaml", imgsz=160, rect=False, batch=10, workers=0, device="cpu", plots=False, save_json=True,
                                project=str(tmp_path), name="val")  # fmt: skip
    assert score["objects"] == sum(found.nt_per_class)
    assert score["measures"][0]["float"] == pytest.approx(found.box.map, abs=0.002)
    # Its boxes by COCO's formula: its own joins the points of precision and recall by lines, which tells at mAP50.
    pictures = sorted(path.stem for path in (data / "images/val").iterdir())
    boxes, objects = {name: [] for name in pictures}, []
    for each in json.loads((tmp_path / "val/predictions.json").read_text()):
        left, top, width, height = each["bbox"]
        boxes[pathlib.Path(each["file_name"]).stem].append([left, top, left + width, top + height, each["score"], each["category_id"] - 1])
    for name in pictures:
        width, height = Image.open(data / f"images/val/{name}.jpg").size
        rows = np.array((data / f"labels/val/{name}.txt").read_text().split(), np.float64).reshape(-1, 5)
        corners = np.concatenate([rows[:, 1:3] - rows[:, 3:] / 2, rows[:, 1:3] + rows[:, 3:] / 2], 1) * [width, height, width, height]
        objects.append(np.column_stack([corners, rows[:, 0], 0 * rows[:, 0]]).astype(np.float32))
    expected = _native.mean_precision([np.array(boxes[name], np.float32).reshape(-1, 6) for name in pictures], objects)
    assert (score["measures"][1]["float"], score["measures"][0]["float"]) == pytest.approx(expected, abs=0.002)


HEADS = ["yolov3-tiny", "yolov5n", "yolov6n", "yolov8n", "yolov8n-p2", "yolov9t", "yolov10n", "yolo11n", "yolo12n", "yolo26n", "yolov8n-seg", "yolo11n-pose"]


@pytest.mark.needs("ultralytics")
@pytest.mark.parametrize("name", HEADS)
def test_boxes_are_those_of_ultralytics(name, tmp_path, monkeypatch):
    """Their own post-processing of the same outputs, of random weights."""
    torch.manual_seed(0)
    with ultralytics_model(monkeypatch, tmp_path) as yolo:
        from ultralytics.utils.nms import non_max_suppression

        model = yolo(f"{name}.yaml").model.eval()
        head = model.model[-1]
        head.export, head.format, head.max_det = True, "tflite", 300
        if hasattr(head, "end2end"):
            head.end2end = False
        task = {"seg": "segment", "pose": "pose"}.get(name.rpartition("-")[2], "detect")
        for seed in range(3):
            with torch.no_grad():
                outputs = model(torch.rand(1, 3, 160, 192, generator=torch.Generator().manual_seed(seed)))
            outputs = [value for value in (outputs if isinstance(outputs, (tuple, list)) else [outputs]) if isinstance(value, torch.Tensor)]
            scores = outputs[0][0, 4 : 4 + head.nc]
            scores.copy_((scores - scores.mean()) / scores.std() * 0.2 + 0.2).clamp_(0, 1)  # random weights are sure of nothing
            expected = non_max_suppression(outputs[0].clone(), 0.25, 0.45, nc=head.nc, multi_label=True, max_det=300)[0][:, :6].numpy()
            arrays = [outputs[0].numpy(), *(np.ascontiguousarray(value.numpy().transpose(0, 2, 3, 1)) for value in outputs[1:])]
            _, rows = _native.find_boxes(arrays, (160, 192), head.nc, task, 0.25, 0.45, 300)
            found = np.array(rows, np.float32).reshape(-1, 6)
            assert len(found) == len(expected) > 5
            assert np.abs(found[:, :4] - expected[:, :4]).max() < 0.5 and np.array_equal(found[:, 5], expected[:, 5])
            assert np.abs(found[:, 4] - expected[:, 4]).max() < 1e-5
