"""Files that trainers leave behind, written by the trainers' own code: what calib8 makes of them computes what the module
does, and says what it knows of them. The packages are those of tests/trainer-requirements.txt."""

import argparse
import copy
import json
import pathlib
import shutil

import numpy as np
import pytest
import torch
from conftest import run_calib8
from support import runtimes
from support.torchvision_models import torchvision
from torch import nn

SIZE = 64
CLASSES = ["ant", "bee", "cat", "dog", "elk"]


@pytest.fixture(autouse=True)
def leave_nothing(tmp_path):
    """Models of up to 1 GB each, which pytest would keep for three runs."""
    yield
    shutil.rmtree(tmp_path, ignore_errors=True)


def behaving(model: nn.Module) -> nn.Module:
    """BatchNorm statistics from a batch, so that activations neither vanish nor explode."""
    for module in model.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.momentum = None
    model.train()
    with torch.no_grad():
        model(torch.randn(8, 3, SIZE, SIZE))
    return model.eval()


@pytest.fixture
def network():
    torch.manual_seed(0)
    return behaving(torchvision.models.resnet18(num_classes=5))


def answer(model, x):
    with torch.no_grad():
        found = model(x)
    return getattr(found, "logits", found).numpy()


def precision(model, x) -> float:
    """In dB, what PyTorch's own float32 is off: deep networks of random weights lose a few bits."""
    return runtimes.sqnr(answer(copy.deepcopy(model).double(), x.double()), answer(model, x), centred=False)


def check(path, model, tmp_path, *flags, size: int = SIZE) -> dict:
    """model.tflite computes what the module does, to 90 dB or as precisely as PyTorch; the report, with what was said."""
    out = tmp_path / "out"
    done = run_calib8("export", path, "--format", "tflite", "--quantize", "none", "--output-dir", out, "--json", *flags)
    assert done.returncode == 0, done.stderr
    x = torch.randn(2, 3, size, size)
    inputs = x.permute(0, 2, 3, 1).numpy()
    found = runtimes.sqnr(answer(model, x), runtimes.run_tflite(out / "model.tflite", inputs), centred=False)
    assert found >= 90 or found >= precision(model, x) - 6
    return json.loads(done.stdout) | {"said": done.stderr}


def refusal(path, tmp_path, *flags) -> str:
    done = run_calib8("export", path, "--format", "onnx", "--output-dir", tmp_path / "out", *flags)
    assert done.returncode == 3, (done.returncode, done.stdout, done.stderr)
    return done.stderr


# safetensors


def halves(model, dtype):
    """The module with weights rounded as the file has them."""
    return {name: t.to(dtype) if t.is_floating_point() else t for name, t in model.state_dict().items()}


@pytest.mark.needs("safetensors")
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16, torch.float64])
def test_safetensors(network, tmp_path, dtype):
    from safetensors.torch import save_file

    stored = halves(network, dtype)
    save_file(stored, tmp_path / "best.safetensors", metadata={"arch": "resnet18", "class_names": json.dumps(CLASSES)})
    network.load_state_dict({name: t.to(torch.float32) if t.is_floating_point() else t for name, t in stored.items()})
    report = check(tmp_path / "best.safetensors", network, tmp_path, "--input-size", SIZE)
    assert report["model"]["class_names"] == CLASSES and report["model"]["class_names_from"] == "the file's metadata"
    assert report["model"]["recognized_by"] == "the file's metadata"


@pytest.mark.needs("safetensors")
def test_heads_in_safetensors_have_the_order_of_their_numbers(network, tmp_path):
    from safetensors.torch import save_model

    layers = [nn.Linear(512, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Dropout(0.1)]
    for _ in range(3):
        layers += [nn.Linear(32, 32), nn.ReLU(), nn.Dropout(0.1)]
    network.fc = nn.Sequential(*layers, nn.Linear(32, 5))
    save_model(behaving(network), tmp_path / "best.safetensors")
    check(tmp_path / "best.safetensors", network, tmp_path, "--input-size", SIZE)


@pytest.mark.needs("safetensors")
def test_inspect_lists_the_tensors_of_safetensors(network, tmp_path):
    from safetensors.torch import save_file

    save_file({f"model.{name}": t for name, t in network.state_dict().items()}, tmp_path / "m.safetensors", metadata={"epoch": "3"})
    text = run_calib8("inspect", tmp_path / "m.safetensors", check=True).stdout
    assert "safetensors: a state_dict, 122 tensors" in text and "'model.'" in text and '"epoch": 3' in text
    described = json.loads(run_calib8("inspect", tmp_path / "m.safetensors", "--json", check=True).stdout)
    assert [t["name"] for t in described["tensors"]][:1] == ["bn1.bias"]


# Folders of Hugging Face's libraries


@pytest.mark.needs("timm", "safetensors")
@pytest.mark.parametrize("safe", [True, False], ids=["safetensors", "pytorch_model.bin"])
def test_a_folder_of_timm(tmp_path, safe):
    import timm

    torch.manual_seed(1)
    model = behaving(timm.create_model("resnet18", num_classes=5))
    data = {"input_size": (3, 96, 96), "crop_pct": 0.8, "mean": (0.5, 0.4, 0.3), "std": (0.2, 0.2, 0.2)}
    timm.models.save_for_hf(model, tmp_path / "hub", {"label_names": CLASSES}, safe_serialization=safe, data_config=data)
    report = check(tmp_path / "hub", model, tmp_path, size=96)
    assert report["model"]["architecture"] == "resnet18" and report["model"]["recognized_by"] == "config.json"
    assert report["model"]["input_size"] == [96, 96] and report["model"]["input_size_from"] == "config.json"
    assert report["model"]["class_names"] == CLASSES and report["model"]["class_names_from"] == "config.json"


def folder_of_photos(folder: pathlib.Path, classes) -> pathlib.Path:
    from PIL import Image

    generator = np.random.default_rng(0)
    for name in classes:
        (folder / "val" / name).mkdir(parents=True)
        for index in range(4):
            Image.fromarray(generator.integers(0, 255, (80, 100, 3), dtype=np.uint8)).save(folder / "val" / name / f"{index}.png")
    return folder


def summary_of(path, tmp_path, *flags) -> str:
    photos = folder_of_photos(tmp_path / "photos", CLASSES)
    return run_calib8(
        "export", path, "--format", "tflite", "--dataset-dir", photos, "--output-dir", tmp_path / "int8", "--effort", "fast",
        "--num-calib-samples", 8, "--min-agreement", 0, *flags, check=True,
    ).stdout  # fmt: skip


@pytest.mark.needs("timm", "safetensors")
def test_the_summary_says_where_preprocessing_and_names_come_from(tmp_path):
    import timm

    model = behaving(timm.create_model("resnet18", num_classes=5))
    data = {"input_size": (3, 64, 64), "crop_pct": 0.8, "interpolation": "bicubic", "mean": (0.5, 0.4, 0.3)}
    timm.models.save_for_hf(model, tmp_path / "hub", {"label_names": CLASSES}, safe_serialization=True, data_config=data)
    said = summary_of(tmp_path / "hub", tmp_path)
    assert "known by config.json" in said and "input 64x64 (from config.json)" in said
    assert "class names from config.json" in said
    assert "as timm (config.json)" in said and "mean [0.5, 0.4, 0.3]" in said and "bicubic" in said and "80" in said


@pytest.mark.needs("huggingface_hub", "safetensors")
def test_a_folder_of_the_hub_mixin(tmp_path):
    from huggingface_hub import PyTorchModelHubMixin

    class Net(nn.Module, PyTorchModelHubMixin):
        def __init__(self, num_classes: int, dropout: float = 0.1):
            super().__init__()
            self.net = torchvision.models.mobilenet_v2(num_classes=num_classes)

        def forward(self, x):
            return self.net(x)

    model = behaving(Net(num_classes=5))
    model.save_pretrained(tmp_path / "hub")
    assert check(tmp_path / "hub", model, tmp_path, "--input-size", SIZE)["model"]["architecture"] == "mobilenet_v2"


@pytest.mark.needs("transformers", "timm", "safetensors")
def test_a_model_of_timm_in_transformers(tmp_path):
    import timm
    import transformers

    torch.manual_seed(2)
    inner = behaving(timm.create_model("resnet18", num_classes=5))
    config = transformers.TimmWrapperConfig(architecture="resnet18", num_labels=5, pretrained_cfg=dict(inner.pretrained_cfg, input_size=(3, 96, 96)))
    config.id2label = dict(enumerate(CLASSES))
    config.label2id = {name: index for index, name in enumerate(CLASSES)}
    model = transformers.TimmWrapperForImageClassification(config)
    model.timm_model.load_state_dict(inner.state_dict())
    model.save_pretrained(tmp_path / "hub")
    report = check(tmp_path / "hub", model.eval(), tmp_path, size=96)
    assert report["model"]["class_names"] == CLASSES and report["model"]["input_size_from"] == "config.json"


def transformers_resnet(**settings):
    import transformers

    torch.manual_seed(4)
    config = transformers.ResNetConfig(num_labels=5, id2label=dict(enumerate(CLASSES)), label2id={name: index for index, name in enumerate(CLASSES)}, **settings)
    return behaving(transformers.ResNetForImageClassification(config))


RESNET_18 = {"layer_type": "basic", "hidden_sizes": [64, 128, 256, 512], "depths": [2, 2, 2, 2]}


@pytest.mark.needs("transformers", "safetensors")
@pytest.mark.parametrize("settings, name", [(RESNET_18, "resnet18"), ({"depths": [3, 4, 6, 3]}, "resnet50")])
def test_a_folder_of_transformers(tmp_path, settings, name):
    import transformers

    model = transformers_resnet(**settings)
    model.save_pretrained(tmp_path / "hub", max_shard_size="20MB")
    transformers.ConvNextImageProcessor(size={"shortest_edge": 64}, crop_pct=0.8).save_pretrained(tmp_path / "hub")
    report = check(tmp_path / "hub", model, tmp_path)
    assert report["model"]["architecture"] == name and len(report["model"]["external_data"]) > 1
    assert report["model"]["class_names"] == CLASSES and report["model"]["class_names_from"] == "config.json"
    assert report["model"]["input_size"] == [64, 64] and report["model"]["input_size_from"] == "preprocessor_config.json"


@pytest.mark.needs("transformers", "safetensors")
def test_the_summary_says_what_transformers_says(tmp_path):
    import transformers

    transformers_resnet(**RESNET_18).save_pretrained(tmp_path / "hub")
    transformers.ConvNextImageProcessor(size={"shortest_edge": 64}, crop_pct=0.8).save_pretrained(tmp_path / "hub")
    said = summary_of(tmp_path / "hub", tmp_path)
    assert "as ConvNextImageProcessor (preprocessor_config.json)" in said and "class names from config.json" in said
    assert "shortest side" in said and "80" in said and "bicubic" in said


@pytest.mark.needs("transformers", "safetensors")
@pytest.mark.parametrize("setting", [{"downsample_in_bottleneck": True}, {"hidden_act": "gelu"}])
def test_a_resnet_of_transformers_that_is_another_is_refused(tmp_path, setting):
    transformers_resnet(**(RESNET_18 if "hidden_act" in setting else {"depths": [3, 4, 6, 3]}), **setting).save_pretrained(tmp_path / "hub")
    assert next(iter(setting)) in refusal(tmp_path / "hub", tmp_path)


@pytest.mark.needs("transformers", "safetensors")
def test_what_transformers_names_is_refused_by_name(tmp_path):
    import transformers

    config = transformers.ViTConfig(hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16, image_size=32)
    transformers.ViTForImageClassification(config).save_pretrained(tmp_path / "hub")
    said = refusal(tmp_path / "hub", tmp_path)
    assert "ViTForImageClassification" in said and "torch.onnx.export" in said


@pytest.mark.needs("safetensors")
def test_weights_in_several_files(network, tmp_path):
    from safetensors.torch import save_file

    names = list(network.state_dict())
    parts = {f"model-0000{i + 1}-of-00003.safetensors": names[i::3] for i in range(3)}
    for file, tensors in parts.items():
        save_file({name: network.state_dict()[name] for name in tensors}, tmp_path / file)
    index = tmp_path / "model.safetensors.index.json"
    index.write_text(json.dumps({"metadata": {"total_size": 1}, "weight_map": {name: file for file, tensors in parts.items() for name in tensors}}))
    report = check(tmp_path, network, tmp_path, "--input-size", SIZE)
    assert sorted(entry["file"] for entry in report["model"]["external_data"]) == sorted(parts)
    check(index, network, tmp_path, "--input-size", SIZE)
    (tmp_path / "model-00002-of-00003.safetensors").unlink()
    assert "model-00002-of-00003.safetensors" in refusal(index, tmp_path)


def test_outputs_cant_replace_the_files_of_a_folder(network, tmp_path):
    torch.save(network.state_dict(), tmp_path / "pytorch_model.bin")
    (tmp_path / "config.json").write_text('{"architecture": "resnet18"}')
    (tmp_path / "model.onnx").symlink_to(tmp_path / "config.json")
    done = run_calib8("export", tmp_path, "--format", "onnx", "--input-size", SIZE, "--output-dir", tmp_path)
    assert done.returncode == 2 and "part of the model" in done.stderr


def test_a_distributed_checkpoint_is_told(network, tmp_path):
    import torch.distributed.checkpoint as dcp

    dcp.save({"model": network.state_dict()}, checkpoint_id=tmp_path / "dcp", no_dist=True)
    assert "dcp_to_torch" in refusal(tmp_path / "dcp", tmp_path)


# Lightning


@pytest.mark.needs("lightning", "torchmetrics")
@pytest.mark.parametrize("attribute", ["model", "net", "backbone"])
def test_lightning(tmp_path, attribute):
    import lightning
    import torchmetrics

    class Module(lightning.LightningModule):
        def __init__(self, arch: str, class_names: list, image_size: int, lr: float = 1e-3):
            super().__init__()
            self.save_hyperparameters()
            setattr(self, attribute, getattr(torchvision.models, arch)(num_classes=len(class_names)))
            self.criterion = nn.CrossEntropyLoss(weight=torch.ones(5))
            self.val_acc = torchmetrics.classification.MulticlassConfusionMatrix(num_classes=5)
            self.val_acc.persistent(True)

        def forward(self, x):
            return getattr(self, attribute)(x)

        def training_step(self, batch, _):
            self.val_acc(self(batch[0]), batch[1])
            return self.criterion(self(batch[0]), batch[1])

        def configure_optimizers(self):
            optimizer = torch.optim.AdamW(self.parameters(), lr=self.hparams.lr)
            return [optimizer], [torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 10)]

    data = torch.utils.data.TensorDataset(torch.randn(8, 3, SIZE, SIZE), torch.randint(0, 5, (8,)))
    module = Module("resnet18", CLASSES, SIZE)
    trainer = lightning.Trainer(
        max_epochs=1, accelerator="cpu", logger=False, enable_progress_bar=False, enable_model_summary=False, default_root_dir=tmp_path
    )  # fmt: skip
    trainer.fit(module, torch.utils.data.DataLoader(data, batch_size=4))
    trainer.save_checkpoint(tmp_path / "last.ckpt")
    report = check(tmp_path / "last.ckpt", module.eval(), tmp_path)
    assert report["model"]["class_names"] == CLASSES and report["model"]["input_size"] == [SIZE, SIZE]
    assert "criterion" in report["said"] and "val_acc" in report["said"]


# timm's train.py


@pytest.mark.needs("timm")
def test_timms_checkpoint_saver(tmp_path):
    import timm

    torch.manual_seed(3)
    model = behaving(timm.create_model("resnet18", num_classes=5))
    ema = timm.utils.ModelEmaV3(model, decay=0.9)
    with torch.no_grad():
        for parameter in ema.module.parameters():
            parameter.mul_(1.05)
    args = argparse.Namespace(
        model="resnet18", num_classes=5, img_size=96, input_size=None, crop_pct=0.8, mean=[0.5, 0.4, 0.3], std=None,
        interpolation="", data_dir=pathlib.Path("/data"), lr=np.float32(0.1), amp=False,
    )  # fmt: skip
    saver = timm.utils.CheckpointSaver(model, torch.optim.SGD(model.parameters(), 0.1), args, ema, checkpoint_dir=str(tmp_path), recovery_dir=str(tmp_path))
    saver.save_checkpoint(1, metric=0.5)
    path = tmp_path / "last.pth.tar"
    report = check(path, model, tmp_path, size=96)
    assert "'state_dict' is used, not state_dict_ema" in report["said"]
    check(path, ema.module, tmp_path, "--state-dict", "state_dict_ema", size=96)
    check(path, ema.module, tmp_path, "--state-dict", "ema", size=96)
    said = summary_of(path, tmp_path)
    assert "as timm (the checkpoint's config)" in said and "mean [0.5, 0.4, 0.3]" in said


# PyTorch's own wrappers


def test_an_averaged_model(network, tmp_path):
    averaged = torch.optim.swa_utils.AveragedModel(network)
    averaged.update_parameters(network)
    torch.save({"model": network.state_dict(), "model_ema": averaged.state_dict()}, tmp_path / "model.pth")
    check(tmp_path / "model.pth", averaged.module, tmp_path, "--input-size", SIZE, "--state-dict", "model_ema")


def test_a_compiled_model(network, tmp_path):
    torch.save(torch.compile(network).state_dict(), tmp_path / "model.pth")
    check(tmp_path / "model.pth", network, tmp_path, "--input-size", SIZE)


def test_torchvisions_reference_script(network, tmp_path):
    """Its train.py is in no package: this is what its save_on_master is given."""
    optimizer = torch.optim.SGD(network.parameters(), 0.1)
    args = argparse.Namespace(
        model="resnet18", val_resize_size=72, val_crop_size=64, train_crop_size=56, interpolation="bicubic", backend="PIL",
        data_path="/datasets", world_size=8, amp=False, weights=None,
    )  # fmt: skip
    average = torch.optim.swa_utils.AveragedModel(network)
    checkpoint = {
        "model": network.state_dict(), "optimizer": optimizer.state_dict(), "model_ema": average.state_dict(),
        "lr_scheduler": torch.optim.lr_scheduler.StepLR(optimizer, 3).state_dict(), "epoch": 1, "args": args,
    }  # fmt: skip
    torch.save(checkpoint, tmp_path / "checkpoint.pth")
    report = check(tmp_path / "checkpoint.pth", network, tmp_path)
    assert report["model"]["input_size"] == [64, 64] and "'model' is used, not model_ema" in report["said"]
    said = summary_of(tmp_path / "checkpoint.pth", tmp_path)
    assert "as torchvision's training arguments (the checkpoint's config)" in said and "72" in said and "bicubic" in said
