"""Splits in any spelling, data sets further down, tables by any column, and classes numbered as the model numbers them."""

import pathlib

import calib8
import pytest

from test_discover import discover, make, refusal


def names(folder: str, count: int = 2) -> list[str]:
    return [f"{folder}/{i}.jpg" for i in range(count)]


@pytest.mark.parametrize(
    ("training", "held_out"),
    [
        ("train", "val"), ("TRAIN", "VAL"), ("Train", "Valid"), ("training", "validation"), ("Training", "Testing"),
        ("train_set", "test_set"), ("trainset", "testset"), ("train", "dev"), ("train", "eval"), ("train2017", "val2017"),
        ("seg_train", "seg_test"), ("Train Images", "Test Images"), ("TrainData", "TestData"), ("trn", "holdout"), ("training-data", "evaluation-data"),
    ],
)  # fmt: skip
def test_the_held_out_half_is_taken_in_any_spelling(tmp_path, training, held_out):
    make(tmp_path, *names(f"{training}/a"), *names(f"{training}/b"), *names(f"{held_out}/a"), *names(f"{held_out}/b"))
    found = discover(tmp_path)
    assert found["images"] == sorted(names(f"{held_out}/a") + names(f"{held_out}/b"))
    assert found["class_names"] == ["a", "b"]
    assert not any("train" in note for note in found["notes"])


def test_words_of_their_own_are_no_splits(tmp_path):
    make(tmp_path, *names("crash_test"), *names("training_shoe"), *names("value"))
    found = discover(tmp_path)
    assert found["class_names"] == ["crash_test", "training_shoe", "value"]


def test_a_class_named_train(tmp_path):
    assert discover(make(tmp_path, *names("bus"), *names("car"), *names("train")))["class_names"] == ["bus", "car", "train"]


@pytest.mark.parametrize("above", ["", "dataset/", "unzipped/dataset/", "a/b/c/"])
def test_a_data_set_further_down(tmp_path, above):
    make(tmp_path, *names(f"{above}val/cat"), *names(f"{above}val/dog"), *names(f"{above}train/cat"), *names(f"{above}train/dog"))
    found = discover(tmp_path)
    assert found["layout"].startswith(f"classification: {above}val/<class>, 2 classes, 4 images")
    assert found["images"][0] == f"{above}val/cat/0.jpg", "paths stay relative to the folder that was named"


def test_images_of_classes_below_images(tmp_path):
    found = discover(make(tmp_path, *names("images/cat"), *names("images/dog"), "labels.txt"))
    assert found["layout"].startswith("classification: images/<class>") and found["class_names"] == ["cat", "dog"]


def test_of_several_data_sets_one_is_taken_and_that_is_said(tmp_path):
    make(tmp_path, *names("brain/test/a"), *names("brain/test/b"), *names("chest/test/a"), *names("chest/test/b"))
    found = discover(tmp_path)
    assert found["layout"].startswith("classification: brain/test/<class>")
    assert any("1 folder beside it" in note and "--dataset-dir" in note for note in found["notes"])


def test_classes_that_the_held_out_half_lacks_are_numbered_as_in_training(tmp_path):
    make(tmp_path, *names("val/cat"), *names("val/zebra"), *(f for c in ("ant", "cat", "dog", "zebra") for f in names(f"train/{c}")))
    found = discover(tmp_path)
    assert found["class_names"] == ["ant", "cat", "dog", "zebra"]
    assert found["labels"] == [1, 1, 3, 3]
    assert any("val/ lacks 2, the first is ant" in note for note in found["notes"]), found["notes"]
    assert sum("ant" in note for note in found["notes"]) == 1


def test_a_class_that_training_lacks_comes_last(tmp_path):
    make(tmp_path, *names("test/ant"), *names("test/cat"), *names("train/cat"), *names("train/dog"))
    found = discover(tmp_path)
    assert found["class_names"] == ["cat", "dog", "ant"]
    assert any("it alone holds 1" in note for note in found["notes"])


@pytest.mark.parametrize(
    ("header", "row", "classes"),
    [
        ("id_code,diagnosis", "{i},{c}", ["0", "1"]),
        ("Id,Category", "{i},kind{c}", ["kind0", "kind1"]),
        ("fname,something,other", "{i}.jpg,{i}.5,kind{c}", ["kind0", "kind1"]),
        ("ImageID;Species", "{i};kind{c}", ["kind0", "kind1"]),
        ("file_name,label", "C:\\data\\train\\{i}.jpg,kind{c}", ["kind0", "kind1"]),
        ("path,target", "/home/me/data/pictures/{i}.jpg,{c}", ["0", "1"]),
    ],
)  # fmt: skip
def test_tables_by_any_column(tmp_path, header, row, classes):
    make(tmp_path, *names("pictures", 6))
    rows = [row.format(i=i, c=i % 2) for i in range(6)]
    make(tmp_path, "labels.csv", content="\n".join([header, *rows]))
    found = discover(tmp_path)
    assert found["class_names"] == classes and found["labels"] == [0, 1] * 3, found


def test_the_column_of_classes_can_be_named(tmp_path):
    make(tmp_path, *names("pictures", 6))
    make(tmp_path, "results.csv", content="epoch,loss\n1,0.5\n2,0.4\n")
    rows = [f"{i}.jpg,{i % 2},kind{i % 3},{i % 2},{(i + 1) % 2}" for i in range(6)]
    make(tmp_path, "labels.csv", content="\n".join(["image,label,species, even,odd", *rows]))
    assert discover(tmp_path)["labels"] == [0, 1] * 3
    for column, labels in {"species": [0, 1, 2] * 2, "even": [0, 1] * 3, "odd": [1, 0] * 3}.items():
        found = discover(tmp_path, class_column=column)
        assert found["labels"] == labels and f"labels.csv: column {column} holds the classes, as asked for" in found["notes"]
    with pytest.raises(calib8.Error, match="no table of images has a column \"kind\" .*labels.csv: its columns are image, label, species, even, odd"):
        discover(tmp_path, class_column="kind")


def test_a_named_column_needs_a_table(tmp_path):
    make(tmp_path, *names("cat", 3), *names("dog", 3))
    with pytest.raises(calib8.Error, match="no table of images has a column \"kind\" .*: what was found is classification: <class>, 2 classes") as error:
        discover(tmp_path, class_column="kind")
    assert error.value.code == calib8.ErrorCode.USAGE


def test_a_table_beside_the_pictures_is_used(tmp_path):
    make(tmp_path, *[f"{i}.jpg" for i in range(4)])
    make(tmp_path, "train.csv", content="image,label\n0,cat\n1,dog\n2,cat\n3,dog\n")
    found = discover(tmp_path)
    assert found["layout"].startswith("classification: list train.csv") and found["labels"] == [0, 1, 0, 1]
    assert any("train.csv is used" in note for note in found["notes"])


def test_a_table_that_is_not_used_is_said(tmp_path):
    make(tmp_path, *names("test"), *names("train", 4))
    make(tmp_path, "train.csv", content="image,label\n0,cat\n1,dog\n2,cat\n3,dog\n")
    found = discover(tmp_path)
    assert found["layout"].startswith("images: test")
    assert any("train.csv is there too and isn't used" in note for note in found["notes"]), found["notes"]
    assert discover(tmp_path / "train.csv")["labels"] == [0, 1, 0, 1]


def test_a_form_to_hand_in_is_never_used(tmp_path):
    make(tmp_path, *[f"{i}.jpg" for i in range(4)])
    make(tmp_path, "sample_submission.csv", content="image,label\n0,cat\n1,cat\n2,cat\n3,cat\n")
    assert discover(tmp_path)["class_names"] == []


def test_a_description_named_in_place_of_a_folder(tmp_path):
    make(tmp_path, *names("ds/train/images"), *names("ds/valid/images"), "ds/valid/labels/0.txt")
    for name in ("ds/data.yaml", "ds/coco_custom.yml", "configs/ds.yaml"):
        path = "path: ../ds\n" if name.startswith("configs") else ""
        make(tmp_path, name, content=path + "Train: train/images\nVal: valid/images\nNames: {0: jet}\n")
        found = discover(tmp_path / name)
        assert [pathlib.Path(image).name for image in found["images"]] == ["0.jpg", "1.jpg"], name
        assert found["object_names"] == ["jet"] and "valid" in found["layout"]


def test_a_coco_file_named_in_place_of_a_folder(tmp_path):
    from test_discover import coco

    make(tmp_path, *names("val2017"))
    make(tmp_path, "annotations/mine_val2017.json", content=coco([(1, "0.jpg"), (2, "1.jpg")]))
    found = discover(tmp_path / "annotations" / "mine_val2017.json")
    assert found["images"] == names("val2017")
    (tmp_path / "annotations" / "other.json").write_text("[1]")
    assert "is a list" in refusal(tmp_path / "annotations" / "other.json")


def test_what_is_left_out_is_counted_by_ending(tmp_path):
    found = discover(make(tmp_path, "1.jpg", "2.jp2", "3.JP2", "4.psd", "5.dcm", "IMG_6", "README"))
    notes = " | ".join(found["notes"])
    for words in ("2 files (.jp2)", "1 file (.psd)", "1 file (.dcm)", "1 file without an ending"):
        assert words in notes


def test_training_images_among_others_are_said(tmp_path):
    found = discover(make(tmp_path, "one/deep/er/1.jpg", "other/train/2.jpg"))
    assert len(found["images"]) == 2
    assert any("other/train/" in note and "among those used" in note for note in found["notes"])
