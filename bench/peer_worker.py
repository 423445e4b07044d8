"""The peer's whole command: litert-torch converts, ai-edge-quantizer calibrates on images and writes an int8 file.

Runs under a Python that has litert-torch 0.10, ai-edge-quantizer 0.10, torchvision and Pillow; stands alone, because that
Python has nothing of ours. The job is a JSON file:

    {"model": {"kind": "torchvision" | "digits" | "efficientnet_lite0", "arch": ..., "num_classes": ..., "checkpoint": ...},
     "size": [height, width], "images": [paths], "output": path, "float_output": path or null}
"""

import json
import os
import sys
import tempfile


def define_torchvision_operators():
    """A CPU build of torch may lack torchvision's compiled operators; the models need only their names to exist."""
    import torch

    library = torch.library.Library("torchvision", "FRAGMENT")
    for name in ("nms", "qnms"):
        try:
            library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        except RuntimeError:
            pass  # the compiled ones are there
    return library


def load_model(job):
    import torch
    from torch import nn

    kind = job["kind"]
    if kind == "efficientnet_lite0":
        from efficientnet_lite_pytorch import EfficientNet

        model = EfficientNet.from_name("efficientnet-lite0")
        model.load_state_dict(torch.load(job["checkpoint"], map_location="cpu", weights_only=True))
        return model.eval()
    library = define_torchvision_operators()
    import torchvision

    del library
    checkpoint = torch.load(job["checkpoint"], map_location="cpu", weights_only=True)
    if kind == "torchvision":
        model = getattr(torchvision.models, job["arch"])(weights=None, num_classes=job["num_classes"])
        model.load_state_dict(checkpoint)
        return model.eval()

    class Digits(nn.Module):
        def __init__(self):
            super().__init__()
            self.backbone = torchvision.models.efficientnet_b0(weights=None)
            self.backbone.classifier = nn.Identity()
            self.classifier = nn.Sequential(
                nn.Linear(1280, 512), nn.ReLU(), nn.Dropout(0.3),
                nn.Linear(512, 256), nn.ReLU(), nn.Dropout(0.2),
                nn.Linear(256, 10),
            )  # fmt: skip

        def forward(self, images):
            return self.classifier(self.backbone(images))

    model = Digits()
    model.load_state_dict(checkpoint["model_state_dict"])
    return model.eval()


def load_images(paths, height, width):
    """A list of [1, height, width, 3] for each image; an iterator won't do, as the peer walks it twice."""
    import numpy as np
    from PIL import Image

    mean = np.array([0.485, 0.456, 0.406], np.float32)
    deviation = np.array([0.229, 0.224, 0.225], np.float32)
    samples = []
    for path in paths:
        with Image.open(path) as image:
            pixels = image.convert("RGB").resize((width, height), Image.Resampling.BILINEAR)
        samples.append({"args_0": ((np.asarray(pixels, np.float32) / 255 - mean) / deviation)[None]})
    return samples


def main():
    with open(sys.argv[1]) as file:
        job = json.load(file)
    import litert_torch
    import torch
    from ai_edge_quantizer import quantizer, recipe

    height, width = job["size"]
    model = load_model(job["model"])
    channels_last = litert_torch.to_channel_last_io(model, args=[0]).eval()
    converted = litert_torch.convert(channels_last, (torch.zeros(1, height, width, 3),))
    with tempfile.TemporaryDirectory() as folder:
        float_file = job["float_output"] or os.path.join(folder, "float.tflite")
        converted.export(float_file)
        quantization = quantizer.Quantizer(float_file)
        quantization.load_quantization_recipe(recipe.static_wi8_ai8())
        images = load_images(job["images"], height, width)
        calibration = quantization.calibrate({"serving_default": images})
        quantization.quantize(calibration).export_model(job["output"], overwrite=True)


if __name__ == "__main__":
    main()
