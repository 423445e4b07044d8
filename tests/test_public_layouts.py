"""Data sets as public sites deliver them, rebuilt small: each is found, or refused with the places looked at."""

import json
import os
import pathlib

import pytest

from test_discover import coco, discover, make, refusal


def table(header: str, *rows: str) -> str:
    return "\n".join([header, *rows]) + "\n"


def names(folder: str, count: int = 3, ending: str = "jpg") -> list[str]:
    return [f"{folder}/{i}.{ending}" for i in range(count)]


def roboflow_yolo(root):
    for split in ("train", "valid", "test"):
        make(root, *names(f"{split}/images"), *names(f"{split}/labels", ending="txt"))
    yaml = "train: ../train/images\nval: ../valid/images\ntest: ../test/images\nnc: 1\nnames: ['jet']\n"
    make(root, "data.yaml", content=yaml)


def roboflow_coco(root):
    for split in ("train", "valid", "test"):
        make(root, *names(split))
        make(root, f"{split}/_annotations.coco.json", content=coco([(1, "0.jpg"), (2, "1.jpg"), (3, "2.jpg")]))


def roboflow_folders(root):
    for split in ("train", "valid", "test"):
        make(root, *names(f"{split}/daisy"), *names(f"{split}/rose"))


def roboflow_multiclass(root):
    for split in ("train", "valid"):
        make(root, *names(split))
        make(root, f"{split}/_classes.csv", content=table("filename, cat, dog", "0.jpg, 1, 0", "1.jpg, 0, 1", "2.jpg, 1, 0"))


def roboflow_tensorflow(root):
    """Boxes, several of a picture: their labels are no classes."""
    make(root, *names("valid"))
    rows = ["0.jpg,9,9,cat,1,1,2,2", "0.jpg,9,9,dog,1,1,2,2", "1.jpg,9,9,cat,1,1,2,2"]
    make(root, "valid/_annotations.csv", content=table("filename,width,height,class,xmin,ymin,xmax,ymax", *rows))


def kaggle_cats_and_dogs(root):
    make(root, *[f"dogs-vs-cats/train/{kind}.{i}.jpg" for kind in ("cat", "dog") for i in range(4)])
    make(root, *names("dogs-vs-cats/test1"))
    make(root, "dogs-vs-cats/sampleSubmission.csv", content=table("id,label", "0,0", "1,0", "2,0"))


def kaggle_pet_images(root):
    make(root, *names("PetImages/Cat"), *names("PetImages/Dog"), "readme[1].txt")


def kaggle_chest_xray(root):
    for split in ("train", "val", "test"):
        make(root, *names(f"chest_xray/{split}/NORMAL", ending="jpeg"), *names(f"chest_xray/{split}/PNEUMONIA", ending="jpeg"))
    make(root, "__MACOSX/chest_xray/val/._NORMAL", "chest_xray/.DS_Store")


def kaggle_intel_scenes(root):
    for split in ("seg_train", "seg_test"):
        make(root, *names(f"{split}/{split}/forest"), *names(f"{split}/{split}/sea"))
    make(root, *names("seg_pred/seg_pred"))


def kaggle_brain_tumor(root):
    for split in ("Training", "Testing"):
        make(root, *names(f"{split}/glioma"), *names(f"{split}/notumor"))


def kaggle_aptos(root):
    make(root, *names("train_images", 4, "png"), *[f"test_images/t{i}.png" for i in range(3)])
    make(root, "train.csv", content=table("id_code,diagnosis", "0,2", "1,0", "2,0", "3,2"))
    make(root, "test.csv", content=table("id_code", "t0", "t1", "t2"))
    make(root, "sample_submission.csv", content=table("id_code,diagnosis", "t0,0", "t1,0", "t2,0"))


def kaggle_cassava(root):
    make(root, *names("train_images", 4), "label_num_to_disease_map.json")
    make(root, "train.csv", content=table("image_id,label", "0.jpg,1", "1.jpg,0", "2.jpg,1", "3.jpg,0"))


def kaggle_ham10000(root):
    make(root, "HAM10000_images_part_1/ISIC_1.jpg", "HAM10000_images_part_1/ISIC_2.jpg")
    make(root, "HAM10000_images_part_2/ISIC_3.jpg", "HAM10000_images_part_2/ISIC_4.jpg")
    rows = [f"HAM_{i},ISIC_{i},{'nv' if i % 2 else 'mel'},histo,80.{i},male,scalp" for i in range(1, 5)]
    make(root, "HAM10000_metadata.csv", content=table("lesion_id,image_id,dx,dx_type,age,sex,localization", *rows))


def kaggle_isic_2018(root):
    make(root, *names("ISIC2018_Training_Input", 4))
    rows = ["0,1.0,0.0", "1,0.0,1.0", "2,1.0,0.0", "3,1.0,0.0"]
    make(root, "ISIC2018_GroundTruth.csv", content=table("image,MEL,NV", *rows))


def kaggle_gtsrb(root):
    make(root, *names("Train/0", ending="png"), *names("Train/1", ending="png"), *names("Test", ending="png"), *names("Meta", ending="png"))
    rows = [f"9,9,1,1,8,8,{i % 2},Test/{i}.png" for i in range(3)]
    make(root, "Test.csv", content=table("Width,Height,Roi.X1,Roi.Y1,Roi.X2,Roi.Y2,ClassId,Path", *rows))


def open_images_toolkit(root):
    for split in ("train", "validation", "test"):
        for name in ("Apple", "Banana"):
            make(root, *names(f"OID/Dataset/{split}/{name}"), *names(f"OID/Dataset/{split}/{name}/Label", ending="txt"))


def open_images_fiftyone(root):
    make(root, *names("open-images-v7/validation/data"), "open-images-v7/validation/labels/detections.csv")
    make(root, "open-images-v7/validation/metadata/classes.csv")


def labelimg_voc(root):
    make(root, *names("images"), *names("annotations", ending="xml"))


def labelimg_beside(root):
    make(root, "1.jpg", "1.xml", "2.jpg", "2.xml")


def pascal_voc(root):
    base = "VOCdevkit/VOC2012"
    make(root, *names(f"{base}/JPEGImages", 4), *names(f"{base}/Annotations", 4, "xml"), *names(f"{base}/SegmentationClass", 2, "png"))
    for name, ids in (("val", "2\n3\n"), ("train", "0\n1\n"), ("cat_val", "2 -1\n3 1\n")):
        make(root, f"{base}/ImageSets/Main/{name}.txt", content=ids)


def cvat_yolo(root):
    make(root, *names("obj_train_data"), *names("obj_train_data", ending="txt"), "obj.data", "obj.names")
    make(root, "train.txt", content="data/obj_train_data/0.jpg\ndata/obj_train_data/1.jpg\n")


def cvat_coco(root):
    make(root, *names("images"))
    make(root, "annotations/instances_default.json", content=coco([(1, "0.jpg"), (2, "1.jpg")], [(1, 1, [0, 0, 9, 9])]))


def cvat_images(root):
    make(root, *names("images"), "annotations.xml")


def label_studio_coco(root):
    make(root, *names("images"))
    make(root, "result.json", content=coco([(0, "images/0.jpg"), (1, "images\\1.jpg"), (2, "../../media/upload/3/2.jpg")]))


def label_studio_yolo(root):
    make(root, *names("images"), *names("labels", ending="txt"), "classes.txt", "notes.json")


def torchvision_food101(root):
    make(root, *names("food-101/images/apple_pie"), *names("food-101/images/waffles"), "food-101/meta/classes.txt")
    make(root, "food-101/meta/test.txt", content="apple_pie/0\napple_pie/1\nwaffles/0\nwaffles/2\n")
    make(root, "food-101/meta/train.txt", content="apple_pie/2\nwaffles/1\n")


def torchvision_eurosat(root):
    make(root, *names("eurosat/2750/Forest"), *names("eurosat/2750/River"))


def torchvision_caltech(root):
    make(root, *names("caltech101/101_ObjectCategories/ant"), *names("caltech101/101_ObjectCategories/beaver"), "caltech101/Annotations/ant/1.mat")


def torchvision_pets(root):
    make(root, *[f"oxford-iiit-pet/images/{n}.jpg" for n in ("Abyssinian_1", "beagle_2")], "oxford-iiit-pet/annotations/trimaps/beagle_2.png")
    make(root, "oxford-iiit-pet/annotations/test.txt", content="Abyssinian_1 1 1 1\nbeagle_2 5 2 4\n")


def torchvision_gtsrb(root):
    make(root, *names("gtsrb/GTSRB/Training/00000", ending="ppm"), *names("gtsrb/GTSRB/Training/00001", ending="ppm"))
    make(root, *names("gtsrb/GTSRB/Final_Test/Images", ending="ppm"), "gtsrb/GT-final_test.csv")


def coco_subset(root):
    make(root, *names("val2017"))
    make(root, "annotations/instances_val2017.json", content=coco([(1, "0.jpg"), (2, "1.jpg"), (3, "000000000139.jpg")]))


def coco128(root):
    make(root, *names("coco128/images/train2017"), *names("coco128/labels/train2017", ending="txt"), "coco128/LICENSE")


def uci_rice(root):
    make(root, *names("Rice_Image_Dataset/Arborio"), *names("Rice_Image_Dataset/Jasmine"), "Rice_Image_Dataset/Rice_Citation_Request.txt")


FOUND = {
    # function: (how the layout begins, images, classes, whether training data are said)
    roboflow_yolo: ("detection: data.yaml val", names("valid/images"), [], False),
    roboflow_coco: ("detection: valid/_annotations.coco.json", names("valid"), [], False),
    roboflow_folders: ("classification: valid/<class>", names("valid/daisy") + names("valid/rose"), ["daisy", "rose"], False),
    roboflow_multiclass: ("classification: list valid/_classes.csv", names("valid"), ["cat", "dog"], False),
    roboflow_tensorflow: ("images: list valid/_annotations.csv", names("valid", 2), [], False),
    kaggle_cats_and_dogs: ("images: dogs-vs-cats/test1", names("dogs-vs-cats/test1"), [], False),
    kaggle_pet_images: ("classification: PetImages/<class>", names("PetImages/Cat") + names("PetImages/Dog"), ["Cat", "Dog"], False),
    kaggle_chest_xray: ("classification: chest_xray/val/<class>", None, ["NORMAL", "PNEUMONIA"], False),
    kaggle_intel_scenes: ("classification: seg_test/seg_test/<class>", names("seg_test/seg_test/forest") + names("seg_test/seg_test/sea"), ["forest", "sea"], False),
    kaggle_brain_tumor: ("classification: Testing/<class>", names("Testing/glioma") + names("Testing/notumor"), ["glioma", "notumor"], False),
    kaggle_aptos: ("images: list test.csv", [f"test_images/t{i}.png" for i in range(3)], [], False),
    kaggle_cassava: ("classification: list train.csv", names("train_images", 4), ["0", "1"], True),
    kaggle_ham10000: ("classification: list HAM10000_metadata.csv", None, ["mel", "nv"], False),
    kaggle_isic_2018: ("classification: list ISIC2018_GroundTruth.csv", names("ISIC2018_Training_Input", 4), ["MEL", "NV"], False),
    kaggle_gtsrb: ("classification: list Test.csv", names("Test", ending="png"), ["0", "1"], False),
    open_images_toolkit: ("classification: OID/Dataset/validation/<class>", None, ["Apple", "Banana"], False),
    open_images_fiftyone: ("images", names("open-images-v7/validation/data"), [], False),
    labelimg_voc: ("images: images", names("images"), [], False),
    labelimg_beside: ("images: flat folder", ["1.jpg", "2.jpg"], [], False),
    pascal_voc: ("images: list VOCdevkit/VOC2012/ImageSets/Main/val.txt", ["VOCdevkit/VOC2012/JPEGImages/2.jpg", "VOCdevkit/VOC2012/JPEGImages/3.jpg"], [], False),
    cvat_yolo: ("images: list train.txt", names("obj_train_data", 2), [], True),
    cvat_coco: ("detection: annotations/instances_default.json", names("images", 2), [], False),
    cvat_images: ("images: images", names("images"), [], False),
    label_studio_coco: ("detection: result.json", names("images", 2), [], False),
    label_studio_yolo: ("detection: images", names("images"), [], False),
    torchvision_food101: ("classification: list food-101/meta/test.txt", None, ["apple_pie", "waffles"], False),
    torchvision_eurosat: ("classification: eurosat/2750/<class>", None, ["Forest", "River"], False),
    torchvision_caltech: ("classification: caltech101/101_ObjectCategories/<class>", None, ["ant", "beaver"], False),
    torchvision_gtsrb: ("classification: gtsrb/GTSRB/Training/<class>", None, ["00000", "00001"], True),
    coco_subset: ("detection: annotations/instances_val2017.json", names("val2017", 2), [], False),
    coco128: ("detection: coco128/images/train2017", names("coco128/images/train2017"), [], True),
    uci_rice: ("classification: Rice_Image_Dataset/<class>", None, ["Arborio", "Jasmine"], False),
}  # fmt: skip


@pytest.mark.parametrize("build", FOUND, ids=lambda build: build.__name__)
def test_public_layout_is_found(tmp_path, build):
    build(tmp_path)
    layout, images, classes, training = FOUND[build]
    found = discover(tmp_path)
    assert found["layout"].startswith(layout), found
    assert images is None or found["images"] == images, found
    assert found["class_names"] == classes, found
    assert any("train" in note and "is used" in note or "among those used" in note for note in found["notes"]) == training, found
    assert not any("submission" in place for place in found["notes"])


@pytest.mark.parametrize(
    "files",
    [
        ["cifar-10-batches-py/data_batch_1", "cifar-10-batches-py/batches.meta"],
        ["FashionMNIST/raw/train-images-idx3-ubyte", "FashionMNIST/raw/t10k-images-idx3-ubyte"],
        ["optdigits.tra", "optdigits.tes", "optdigits.names"],
        ["stl10_binary/test_X.bin", "stl10_binary/class_names.txt"],
    ],
    ids=["torchvision CIFAR-10", "torchvision FashionMNIST", "UCI digits", "torchvision STL10"],
)
def test_what_holds_no_pictures_is_refused_with_the_places(tmp_path, files):
    text = refusal(make(tmp_path, *files, content="x"))
    for place in ("val/<class>/", "train/<class>/", "data.yaml", "all folders below it"):
        assert place in text
