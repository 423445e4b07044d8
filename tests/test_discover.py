"""Which images are found in which tree, and what is said of trees that no one should have made."""

import json
import os
import pathlib

import calib8
import pytest
from calib8 import _native

TYPES = _native.DatasetKind.__members__


def make(root: pathlib.Path, *files: str, content: bytes | str = b"") -> pathlib.Path:
    for name in files:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return root


def discover(root, kind="auto", follow_links=False, class_column=""):
    found = _native.discover(pathlib.Path(root), TYPES[kind], follow_links, class_column)
    for key in ("images", "class_names", "object_names", "notes"):
        found[key] = [os.fsdecode(item) for item in found[key]]
    found["layout"] = os.fsdecode(found["layout"])
    assert found["images"] == sorted(found["images"], key=os.fsencode)
    return found


def refusal(root, kind="auto") -> str:
    with pytest.raises(calib8.Error) as caught:
        discover(root, kind)
    assert caught.value.code == calib8.ErrorCode.DATASET
    return str(caught.value)


def coco(images, annotations=(), categories=((1, "cat"), (7, "dog"))) -> str:
    return json.dumps(
        {
            "info": {"nested": [[{"bbox": "no"}]]},
            "images": [{"id": i, "file_name": name, "width": 200, "height": 100} for i, name in images],
            "annotations": [
                {"id": n, "image_id": i, "category_id": c, "bbox": box, "segmentation": [[1, 2, 3, 4]]}
                for n, (i, c, box) in enumerate(annotations)
            ],
            "categories": [{"id": i, "name": name} for i, name in categories],
        }
    )


LAYOUTS = {
    "val classes": (["val/a/1.jpg", "val/b/2.png", "train/a/3.jpg", "train/b/4.jpg"], "classification: val/<class>", ["val/a/1.jpg", "val/b/2.png"]),
    "valid classes": (["valid/a/1.jpg", "test/a/2.jpg"], "classification: valid/<class>", ["valid/a/1.jpg"]),
    "validation classes": (["validation/a/1.jpg"], "classification: validation/<class>", ["validation/a/1.jpg"]),
    "test classes": (["test/a/1.jpg", "train/a/2.jpg"], "classification: test/<class>", ["test/a/1.jpg"]),
    "train classes": (["train/a/1.jpg", "train/b/2.jpg"], "classification: train/<class>", ["train/a/1.jpg", "train/b/2.jpg"]),
    "classes alone": (["a/1.jpg", "b/2.jpg"], "classification: <class>", ["a/1.jpg", "b/2.jpg"]),
    "yolo": (["images/val/1.jpg", "labels/val/1.txt", "images/train/2.jpg"], "detection: images/val", ["images/val/1.jpg"]),
    "yolo output": (["output/images/val/1.jpg", "output/labels/val/1.txt"], "detection: output/images/val", ["output/images/val/1.jpg"]),
    "yolo test": (["images/test/1.jpg", "images/train/2.jpg"], "detection: images/test", ["images/test/1.jpg"]),
    "yolo split first": (["val/images/1.jpg", "val/labels/1.txt"], "detection: val/images", ["val/images/1.jpg"]),
    "flat": (["1.jpg", "deep/2.jpg"], "images: flat folder", ["1.jpg"]),
    "flat split": (["val/1.jpg", "train/2.jpg"], "images: val", ["val/1.jpg"]),
    "nested": (["v/y/1.jpg", "x/z/w/2.jpg"], "images: found by searching all folders", ["v/y/1.jpg", "x/z/w/2.jpg"]),
    "arrays": (["x/1.npy", "x/2.npz"], "classification: <class>", ["x/1.npy", "x/2.npz"]),
    "flat arrays": (["1.npy", "notes.txt"], "arrays: flat folder", ["1.npy"]),
    # Mixed trees: what comes first in the documented order.
    "images before arrays": (["1.npy", "deep/er/2.jpg"], "images: found by searching all folders", ["deep/er/2.jpg"]),
    "detection before classes": (["images/val/1.jpg", "val/a/2.jpg"], "detection: images/val", ["images/val/1.jpg"]),
    "classes before flat": (["val/a/1.jpg", "2.jpg"], "classification: val/<class>", ["val/a/1.jpg"]),
}  # fmt: skip


@pytest.mark.parametrize("name", LAYOUTS)
def test_layout(tmp_path, name):
    files, layout, images = LAYOUTS[name]
    found = discover(make(tmp_path, *files))
    assert found["layout"].startswith(layout + ","), found
    assert found["images"] == images
    assert any("train" in note for note in found["notes"]) == ("train" in layout)


def test_data_yaml_goes_before_folders(tmp_path):
    make(tmp_path, "images/val/1.jpg", "pictures/held/2.jpg", "pictures/held/3.jpg", "labels/held/x.txt")
    make(tmp_path, "data.yaml", content="path: .\ntrain: images/val\nval: pictures/held\nnames: {0: cat, 2: dog}\n")
    found = discover(tmp_path)
    assert found["images"] == ["pictures/held/2.jpg", "pictures/held/3.jpg"]
    assert found["object_names"] == ["cat", "", "dog"]
    assert found["layout"] == "detection: data.yaml val (pictures/held), 2 images"


@pytest.mark.parametrize(
    "yaml, expected",
    [
        ("val: images/b\n", ["images/b/2.jpg"]),
        ("val: [images/a, images/b]\n", ["images/a/1.jpg", "images/b/2.jpg"]),
        ("val: list.txt\n", ["images/b/2.jpg"]),
        ("val: [list.txt, images/a]\n", ["images/a/1.jpg", "images/b/2.jpg"]),
        ("path: images\nval: b\n", ["images/b/2.jpg"]),
        ("path: ../elsewhere/coco8\nval: images/b\n", ["images/b/2.jpg"]),  # made on another machine
        ("train: images/a\nval: ../images/b\n", ["images/b/2.jpg"]),  # as Roboflow writes it
        ("train: images/a\nval:\ntest: images/b\n", ["images/b/2.jpg"]),
        ("train: images/a\n", ["images/a/1.jpg"]),
        ("val: missing\ntest: images/b\n", ["images/b/2.jpg"]),
    ],
)
def test_data_yaml_keys(tmp_path, yaml, expected):
    make(tmp_path, "images/a/1.jpg", "images/b/2.jpg")
    make(tmp_path, "list.txt", content="./images/b/2.jpg\nimages/b/missing.jpg\n")
    found = discover(make(tmp_path, "data.yaml", content=yaml))
    assert found["images"] == expected
    assert any("train is used" in note for note in found["notes"]) == (expected == ["images/a/1.jpg"])
    if "list.txt" in yaml:
        assert any("1 image is not there, the first is images/b/missing.jpg" in note for note in found["notes"])


def test_data_yaml_script_never_runs(tmp_path):
    mark = tmp_path / "ran"
    make(tmp_path, "images/val/1.jpg")
    make(tmp_path, "data.yaml", content=f"val: images/val\nnames: [a]\ndownload: |\n  import os\n  os.system('touch {mark}')\n")
    assert discover(tmp_path)["images"] == ["images/val/1.jpg"]
    make(tmp_path, "data.yaml", content=f"val: not/there\ndownload: bash touch {mark}\n")
    assert discover(tmp_path)["images"] == ["images/val/1.jpg"]  # by the folders
    assert not mark.exists()


def test_data_yaml_that_leads_out(tmp_path):
    make(tmp_path, "out/1.jpg", "data/images/val/2.jpg")
    make(tmp_path / "data", "data.yaml", content="val: ../out\n")
    found = discover(tmp_path / "data")
    assert found["images"] == ["images/val/2.jpg"]
    assert any("leads out of the folder" in note and "--follow-links" in note for note in found["notes"])
    assert discover(tmp_path / "data", follow_links=True)["images"] == [str(tmp_path / "out" / "1.jpg")]
    (tmp_path / "data" / "images" / "val" / "2.jpg").unlink()
    assert "leads out of the folder" in refusal(tmp_path / "data")


@pytest.mark.parametrize(
    "yaml, message",
    [
        ("val: [a", "is not valid YAML"),
        ("- a\n- b\n", "is not a map"),
        ("val: {a: b}\n", "'val' is neither a path nor a list"),
        ("val: [[a]]\n", "'val' is neither a path nor a list"),
        ("val: images/val\nnames: 7\n", "'names' is neither a list"),
        ("val: images/val\nnames: {-1: a}\n", "'names' is neither a list"),
        ("val: images/val\nnames: {99999999999: a}\n", "'names' is neither a list"),
        ("a: " + "[" * 5000, "is not valid YAML"),
        ("#" * (5 << 20), "over the limit"),
    ],
)
def test_damaged_data_yaml(tmp_path, yaml, message):
    make(tmp_path, "images/val/1.jpg")
    text = refusal(make(tmp_path, "data.yaml", content=yaml))
    assert message in text and "data.yaml" in text


def test_yaml_bomb(tmp_path):
    """A billion laughs: ten levels of ten aliases each."""
    lines = ["a0: &a0 [ha, ha, ha, ha, ha, ha, ha, ha, ha, ha]"]
    for level in range(1, 10):
        lines.append(f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]")
    make(tmp_path, "images/val/1.jpg")
    make(tmp_path, "data.yaml", content="\n".join(lines) + "\nval: images/val\nnames: *a9\n")
    assert "'names' is neither a list" in refusal(tmp_path)


def test_yolo_boxes(tmp_path):
    make(tmp_path, "images/val/images/1.jpg", "images/val/images/2.jpg", "images/val/images/3.jpg", "labels/val/classes.txt")
    make(tmp_path, "images/val/labels/1.txt", content="3 0.5 0.25 0.5 0.1\n\n0 0 0 1 0 1 0.5\n")
    make(tmp_path, "images/val/labels/2.txt")
    boxes = discover(tmp_path)["boxes"]
    assert [box[0] for box in boxes[0]] == [3, 0]
    assert boxes[0][0][1:] == pytest.approx((0.5, 0.25, 0.5, 0.1))
    assert boxes[0][1][1:] == pytest.approx((0.5, 0.25, 1, 0.5))  # around the polygon
    assert boxes[1:] == [[], []]
    for line in ("1 0.5 0.5\n", "1 0.5 0.5 2 0.5\n", "a 0 0 0 0\n", "1.5 0 0 0 0\n", "1 nan 0 0 0\n", "-1 0 0 0 0\n"):
        make(tmp_path, "images/val/labels/3.txt", content=line)
        assert "3.txt:1: is not a YOLO label" in refusal(tmp_path)


def test_coco(tmp_path):
    make(tmp_path, "val2017/1.jpg", "val2017/2.jpg", "val2017/unlisted.jpg", "train2017/1.jpg")
    make(tmp_path, "annotations/instances_train2017.json", content=coco([(5, "1.jpg")]))
    make(tmp_path, "annotations/captions_val2017.json", content='{"images": [], "annotations": []}')
    annotations = [(20, 7, [50, 25, 100, 50]), (20, 1, [-10, 0, 20, 200])]
    make(
        tmp_path,
        "annotations/instances_val2017.json",
        content=coco([(20, "2.jpg"), (10, "1.jpg"), (30, "gone.jpg"), (40, "../train2017/1.jpg")], annotations),
    )
    found = discover(tmp_path)
    assert found["layout"] == "detection: annotations/instances_val2017.json, 3 images"
    assert found["images"] == ["train2017/1.jpg", "val2017/1.jpg", "val2017/2.jpg"]
    assert found["object_names"] == ["cat", "dog"]
    assert found["boxes"][1] == [] and [box[0] for box in found["boxes"][2]] == [1, 0]
    assert found["boxes"][2][0][1:] == pytest.approx((0.5, 0.5, 0.5, 0.5))
    assert found["boxes"][2][1][1:] == pytest.approx((0.025, 0.5, 0.05, 1))  # cut to the picture
    assert any("1 image is not there, the first is gone.jpg" in note for note in found["notes"])


@pytest.mark.parametrize("folder", ["images/val2017", "images/val", "images", "val", "data", "."])
def test_coco_image_folders(tmp_path, folder):
    make(tmp_path, f"{folder}/1.jpg")
    make(tmp_path, "annotations/instances_val2017.json", content=coco([(1, "1.jpg")]))
    assert discover(tmp_path, "detection")["images"] == [(pathlib.Path(folder) / "1.jpg").as_posix()]


def test_coco_of_roboflow(tmp_path):
    make(tmp_path, "valid/1.jpg", "train/2.jpg")
    make(tmp_path, "valid/_annotations.coco.json", content=coco([(1, "1.jpg")], [(1, 1, [0, 0, 10, 10])]))
    found = discover(tmp_path)
    assert found["layout"].startswith("detection: valid/_annotations.coco.json") and len(found["boxes"][0]) == 1


@pytest.mark.parametrize(
    "text, message",
    [
        ("", "is not valid JSON"),
        ('{"images": [', "is not valid JSON"),
        ("[]", "is a list"),
        ("7", "is a number"),
        ('{"images": 1000000000}', "'images' is a number, not a list"),
        ('{"images": {"id": 1}}', "'images' is an object, not a list"),
        ('{"images": [[1]]}', "'images' holds lists, not objects"),
        ('{"images": [{"id": "1"}]}', "images[0].id is a string"),
        ('{"images": [{"id": 1, "file_name": 3}]}', "images[0].file_name is a number"),
        ('{"images": [{"id": 1.5}]}', "images[0].id is not a whole number"),
        ('{"annotations": [{"bbox": [1, 2, 3]}]}', "annotations[0].bbox is not four numbers"),
        ('{"annotations": [{}, {"bbox": [1, 2, 3, 4, 5]}]}', "annotations[1].bbox is not four numbers"),
        ('{"annotations": [{"bbox": [1, 2, 3, "x"]}]}', "annotations[0].bbox is not four numbers"),
        ('{"annotations": [{"image_id": null}]}', "annotations[0].image_id is null"),
        ('{"x": ' + "[" * 100_000, "is not valid JSON"),
    ],
)
def test_damaged_coco(tmp_path, text, message):
    make(tmp_path, "val2017/1.jpg")
    refused = refusal(make(tmp_path, "annotations/instances_val2017.json", content=text))
    assert message in refused and "instances_val2017.json" in refused


LISTS = {
    "paths": ("val.txt", "pool/1.jpg\r\n\n./pool/3.jpg\n", {"pool/1.jpg": None, "pool/3.jpg": None}),
    "paths and numbers": ("val.txt", "pool/1.jpg 4\npool/a b.jpg 0\n", {"pool/1.jpg": 4, "pool/a b.jpg": 0}),
    "header": ("val.csv", "id,label,path\n7,dog,pool/1.jpg\n8,cat,pool/3.jpg\n", {"pool/1.jpg": 1, "pool/3.jpg": 0}),
    "no header": ("labels.csv", "pool/1.jpg,2\npool/3.jpg,0\n", {"pool/1.jpg": 2, "pool/3.jpg": 0}),
    "quotes": ("test.csv", 'image,class\n"pool/a b.jpg","x, ""y"""\n', {"pool/a b.jpg": 0}),
    "no labels": ("images.csv", "file\npool/1.jpg\n", {"pool/1.jpg": None}),
    "byte order mark": ("images.txt", "\ufeffpool/1.jpg\n", {"pool/1.jpg": None}),
    "quoted line ends": ("val.csv", 'path,note,label\r\npool/1.jpg,"two\nlines",1\r\n', {"pool/1.jpg": 1}),
}


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("named", [False, True], ids=["in the folder", "named"])
def test_lists(tmp_path, name, named):
    file, text, expected = LISTS[name]
    make(tmp_path, "pool/1.jpg", "pool/2.jpg", "pool/3.jpg", "pool/a b.jpg")
    make(tmp_path, file, content=text)
    found = discover(tmp_path / file if named else tmp_path)
    assert dict(zip(found["images"], found["labels"], strict=True)) == expected
    assert f"list {file}" in found["layout"]


def test_labels_that_are_missing(tmp_path):
    make(tmp_path, "1.jpg", "2.jpg")
    found = discover(make(tmp_path, "val.csv", content="path,label\n1.jpg,cat\n2.jpg,\n"))
    assert found["labels"] == [None, None]
    assert any("1 of 2 rows have no label" in note for note in found["notes"])


def test_lists_that_name_nothing(tmp_path):
    make(tmp_path, "pool/1.jpg", "out.jpg")
    make(tmp_path / "pool", "val.txt", content="../out.jpg\n/etc/passwd\nmissing.jpg\n")
    text = refusal(tmp_path / "pool" / "val.txt")
    assert "names no image" in text and "1 image is not there" in text and "2 paths lead out" in text, text
    assert discover(tmp_path / "pool" / "val.txt", follow_links=True)["images"] == [str(tmp_path / "out.jpg")]
    assert discover(tmp_path / "pool")["images"] == ["1.jpg"]  # the next layout
    make(tmp_path / "pool", "val.csv", content='path,label\n"1.jpg,3\n')
    assert "a quote" in refusal(tmp_path / "pool")
    make(tmp_path / "pool", "val.csv", content="path,label\n1.jpg,999999999\n")
    assert "more than 1000000 classes" in refusal(tmp_path / "pool")


def test_runner_up_is_named(tmp_path):
    found = discover(make(tmp_path, "images/val/1.jpg", "val/a/1.jpg", "val/b/2.jpg"))
    assert any("also looks like classification (val/<class>)" in note for note in found["notes"])


def test_links(tmp_path):
    make(tmp_path, "out/deep/1.jpg", "data/val/a/2.jpg", "data/val/b/3.jpg")
    data = tmp_path / "data"
    (data / "val" / "a" / "loop").symlink_to("..")
    (data / "val" / "b" / "out").symlink_to(tmp_path / "out")
    (tmp_path / "out" / "back").symlink_to(data)
    (tmp_path / "out" / "self").symlink_to(tmp_path / "out" / "self")
    found = discover(data)
    assert found["images"] == ["val/a/2.jpg", "val/b/3.jpg"]
    assert any("1 symbolic link that leads out of the folder left out: use --follow-links" in note for note in found["notes"])
    followed = discover(data, follow_links=True)
    assert followed["images"] == ["val/a/2.jpg", "val/b/3.jpg", "val/b/out/deep/1.jpg"]
    assert any("nowhere" in note for note in followed["notes"])


def test_links_do_not_depend_on_the_order_of_the_disk(tmp_path):
    names = ["zebra", "ant", "moth"]
    found = []
    for number, order in enumerate((names, names[::-1])):
        root = make(tmp_path / str(number), "pool/1.jpg", "val/x/0.jpg")
        for name in order:
            (root / "val" / name).symlink_to("../pool")
        found.append(discover(root)["images"])
    assert found[0] == found[1] == ["val/ant/1.jpg", "val/x/0.jpg"]


def test_names_in_other_encodings(tmp_path):
    folder = os.fsencode(tmp_path) + b"/val/caf\xe9"
    os.makedirs(folder)
    for name in (b"\xff\xfe.jpg", b"new\nline.jpg", "日本.png".encode("shift_jis"), "日本.png".encode()):
        with open(folder + b"/" + name, "wb"):
            pass
    found = _native.discover(tmp_path, TYPES["auto"], False)
    assert len(found["images"]) == 4 and found["class_names"] == [b"caf\xe9"]
    assert found["images"] == sorted(found["images"])


def test_what_is_no_file(tmp_path):
    make(tmp_path, "1.jpg")
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "folder.jpg").mkdir()
    assert discover(tmp_path)["images"] == ["1.jpg"]


def test_folder_that_cannot_be_read(tmp_path):
    """The superuser may read all, but not a path that is too long."""
    make(tmp_path, "val/a/1.jpg")
    here = os.getcwd()
    os.chdir(tmp_path / "val" / "a")
    try:
        for _ in range(20):
            os.mkdir("d" * 250)
            os.chdir("d" * 250)
    finally:
        os.chdir(here)
    found = discover(tmp_path)
    assert found["images"] == ["val/a/1.jpg"]
    assert any("folder left out" in note and "too long" in note for note in found["notes"])


def test_nothing_found_lists_every_place(tmp_path):
    text = refusal(make(tmp_path, "readme.md"))
    for place in (
        "data.yaml", "annotations/*.json", "images/val/", "output/images/val/", "val/images/", "val/<class>/", "test/<class>/",
        "train/<class>/", "val.txt", "labels.csv", "<class>/", "the folder itself", "all folders below it",
    ):  # fmt: skip
        assert place in text
    assert "no .npy or .npz file found" in refusal(tmp_path, "numpy")
