"""RepresentativeDataGenerator against Pillow, torchvision and NumPy, and in the hands of those who take its data."""

import hashlib
import json
import signal
import subprocess
import sys
import time

import calib8
import numpy as np
import pytest
import torch
from calib8 import RepresentativeDataGenerator
from conftest import DIGITS
from PIL import Image
from support import images, runtimes
from support.small_onnx import save_image_classifier, save_two_inputs
from support.torchvision_models import torchvision

DATA = DIGITS / "data"
CHECKPOINT = DIGITS / "efficientnet_b0_digits.pth"


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """Three classes of five photos of odd sizes, one of them gray and one with a palette."""
    folder = tmp_path_factory.mktemp("photos")
    for number, name in enumerate(("ant", "bee", "cow")):
        images.write_images(folder / "val" / name, 5, seed=number, height=61 + 40 * number, width=150 - 37 * number)
    for path, mode in ((folder / "val" / "ant" / "0001.jpg", "L"), (folder / "val" / "bee" / "0002.jpg", "P")):
        with Image.open(path) as image:
            image.convert(mode).save(path.with_suffix(".png"))
        path.unlink()
    return folder


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """One small model calibrated on 3 x 32 x 32, by the type of its input, and as float32."""
    folder = tmp_path_factory.mktemp("models")
    onnx = save_image_classifier(folder / "small.onnx", size=32)
    data = [np.random.default_rng(0).normal(0, 1, (8, 32, 32, 3)).astype(np.float32)]
    made = {"none": calib8.export(onnx, quantize="none", tflite_path=folder / "float.tflite").tflite}
    for io in ("int8", "uint8", "float32"):
        options = {"io": io, "num_calib_samples": 6, "verify_samples": 2, "min_agreement": 0.0}
        made[io] = calib8.export(onnx, representative_data_gen=data, tflite_path=folder / f"{io}.tflite", **options).tflite
    return made


def all_of(generator):
    return np.concatenate(list(generator))


def test_batches_equal_pillow(photos):
    generator = RepresentativeDataGenerator(photos, num_samples=10, input_size=(40, 56), batch_size=4)
    batches = list(generator)
    assert [batch.shape for batch in batches] == [(4, 40, 56, 3), (4, 40, 56, 3), (2, 40, 56, 3)]
    assert all(batch.dtype == np.float32 and batch.flags.c_contiguous for batch in batches)
    assert len(generator) == 3 and generator.num_samples == len(generator.paths) == len(set(generator.paths)) == 10
    np.testing.assert_allclose(np.concatenate(batches), images.batch(generator.paths, 40, 56), atol=1e-6)
    again = list(generator.generate_batches())
    assert all((one == other).all() for one, other in zip(batches, again, strict=True))


def test_torchvision_preset_and_channels_first(photos):
    generator = RepresentativeDataGenerator(photos, num_samples=6, batch_size=6, layout="NCHW", preprocessing="torchvision:resnet50")
    transform = torchvision.models.ResNet50_Weights.DEFAULT.transforms()
    expected = []
    for path in generator.paths:
        with Image.open(path) as image:
            expected.append(transform(image.convert("RGB")))
    (batch,) = generator
    assert batch.shape == (6, 3, 224, 224) and batch.flags.c_contiguous
    np.testing.assert_allclose(batch, torch.stack(expected).numpy(), atol=1e-6)
    same = RepresentativeDataGenerator(photos, num_samples=6, batch_size=6, preprocessing="torchvision:resnet50")
    assert (next(iter(same)).transpose(0, 3, 1, 2) == batch).all()


def test_steps_of_the_preprocessing(photos, tmp_path):
    steps = {"resize_mode": "exact", "interpolation": "nearest", "channel_order": "bgr", "scale": 1, "mean": [1, 2, 3], "std": 2}
    generator = RepresentativeDataGenerator(photos, num_samples=4, input_size=20, batch_size=4, **steps)
    for path, found in zip(generator.paths, next(iter(generator)), strict=True):
        with Image.open(path) as image:
            pixels = np.asarray(image.convert("RGB").resize((20, 20), Image.Resampling.NEAREST), np.float32)
        np.testing.assert_allclose(found, (pixels[:, :, ::-1] - [1, 2, 3]) / 2, atol=1e-5)
    declared = tmp_path / "declared.json"
    declared.write_text(json.dumps(generator.preprocessing))
    again = RepresentativeDataGenerator(photos, num_samples=4, input_size=20, batch_size=4, preprocessing=declared)
    assert (next(iter(again)) == next(iter(generator))).all()


def test_seed_decides_and_threads_do_not():
    def drawn(seed, threads=0):
        return RepresentativeDataGenerator(DATA, num_samples=30, input_size=16, seed=seed, threads=threads)

    first, same, other = drawn(1), drawn(1, threads=1), drawn(2)
    assert first.paths == same.paths != other.paths
    assert (all_of(first) == all_of(same)).all()


def test_labels_and_report(photos):
    generator = RepresentativeDataGenerator(photos, num_samples=9, input_size=8)
    assert generator.class_names == ["ant", "bee", "cow"]
    assert [generator.class_names[label] for label in generator.labels] == [path.parent.name for path in generator.paths]
    assert sorted(generator.labels) == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    listed = generator.report["dataset"]["calibration"]
    assert [photos / entry["path"] for entry in listed] == generator.paths
    assert [entry["sha256"] for entry in listed] == [hashlib.sha256(path.read_bytes()).hexdigest() for path in generator.paths]
    assert generator.report["dataset"]["quality"]["warnings"] == generator.warnings


def test_the_same_samples_again(photos, tmp_path):
    first = RepresentativeDataGenerator(photos, num_samples=7, input_size=8, seed=3)
    metadata = tmp_path / "samples.json"
    metadata.write_text(json.dumps([str(path) for path in first.paths]))
    assert RepresentativeDataGenerator(photos, num_samples=7, input_size=8, samples_in=metadata).paths == first.paths


def test_statistics_and_summary(photos, capsys):
    generator = RepresentativeDataGenerator(photos, num_samples=12, input_size=(10, 14), batch_size=5)
    values, found = all_of(generator).astype(np.float64), generator.get_statistics()
    assert found["shape"] == [12, 10, 14, 3] and found["samples"] == 12
    assert found["classes"] == {"ant": 4, "bee": 4, "cow": 4}
    for name, of in {"min": np.min, "max": np.max, "mean": np.mean, "std": np.std}.items():
        assert found[name] == pytest.approx(of(values), abs=1e-5)
        by_channel = [channel[name] for channel in found["channels"]]
        assert by_channel == pytest.approx(of(values, axis=(0, 1, 2)), abs=1e-5)
    first = RepresentativeDataGenerator(photos, num_samples=12, input_size=(10, 14), layout="NCHW").get_statistics()
    assert first == {**found, "shape": [12, 3, 10, 14]}
    generator.print_summary()
    text = capsys.readouterr().out
    assert "val/<class>" in text and "10x14" in text and "bee" in text


class Inverted(RepresentativeDataGenerator):
    def preprocess(self, path):
        with Image.open(path) as image:
            return 1 - np.asarray(image.convert("RGB").resize((24, 16)), np.float64) / 255


def test_a_subclass_preprocesses(photos):
    generator = Inverted(photos, num_samples=5, batch_size=3)
    expected = np.stack([Inverted.preprocess(None, path) for path in generator.paths]).astype(np.float32)
    assert (all_of(generator) == expected).all() and all_of(generator).dtype == np.float32
    assert (all_of(Inverted(photos, num_samples=5, layout="NCHW")) == expected.transpose(0, 3, 1, 2)).all()
    assert generator.preprocessing is None
    found = generator.get_statistics()
    assert found["shape"] == [5, 16, 24, 3] and found["std"] == pytest.approx(expected.std(dtype=np.float64), abs=1e-6)
    assert [channel["mean"] for channel in found["channels"]] == pytest.approx(expected.mean(axis=(0, 1, 2), dtype=np.float64), abs=1e-6)


def test_a_subclass_may_build_on_the_declared_steps(photos):
    class Doubled(RepresentativeDataGenerator):
        def preprocess(self, path):
            return 2 * super().preprocess(path)

    declared = all_of(RepresentativeDataGenerator(photos, num_samples=5, input_size=16))
    assert (all_of(Doubled(photos, num_samples=5, input_size=16)) == 2 * declared).all()


@pytest.mark.parametrize(
    ("result", "words"),
    [
        (np.zeros((4, 4), np.float32), "(4, 4), not (height, width, channels)"),
        (np.zeros((0, 4, 3), np.float32), "not (height, width, channels)"),
        (np.zeros((4, 4, 3), np.uint8), "uint8, not floating"),
        (np.full((4, 4, 3), np.nan, np.float32), "no finite numbers"),
        (None, "not floating"),
    ],
    ids=str,
)
def test_mistakes_of_a_subclass(photos, result, words):
    made = type("Own", (RepresentativeDataGenerator,), {"preprocess": lambda self, path: result})
    with pytest.raises(calib8.Error) as caught:
        list(made(photos, num_samples=3))
    assert words in caught.value.message and caught.value.code == calib8.ErrorCode.DATASET


def test_a_subclass_that_gives_other_shapes(photos):
    class Unresized(RepresentativeDataGenerator):
        def preprocess(self, path):
            with Image.open(path) as image:
                return np.asarray(image.convert("RGB"), np.float32)

    with pytest.raises(calib8.Error, match="before it"):
        list(Unresized(photos, num_samples=9))


def test_what_a_subclass_raises_comes_through(photos):
    made = type("Own", (RepresentativeDataGenerator,), {"preprocess": lambda self, path: {}["mine"]})
    with pytest.raises(KeyError, match="mine"):
        list(made(photos, num_samples=3))


@pytest.mark.parametrize("batch_size", [1, 5])
def test_calibrates_as_the_folder_does(tmp_path, batch_size):
    """The same 16 images, found by the exporter or given by the generator: the same file."""
    exporter = calib8.ModelExporter(CHECKPOINT, input_size=64)
    options = {"num_calib_samples": 16, "verify_samples": 4, "effort": "fast"}  # no samples to compare candidates on
    folder = exporter.export_to_tflite(tmp_path / "folder.tflite", dataset_dir=DATA, **options)
    generator = RepresentativeDataGenerator(DATA, num_samples=16, input_size=64, batch_size=batch_size)
    result = exporter.export_to_tflite(tmp_path / "generator.tflite", representative_data_gen=generator, **options)
    assert result.tflite.read_bytes() == folder.tflite.read_bytes()


def test_tensorflow_convention(photos):
    generator = RepresentativeDataGenerator(photos, num_samples=4, input_size=12, batch_size=2)
    for _ in range(2):  # a converter may call it twice
        found = list(generator())
        assert all(isinstance(entry, list) and len(entry) == 1 for entry in found)
        assert (np.concatenate([entry[0] for entry in found]) == all_of(generator)).all()


@pytest.mark.parametrize("layout", ["NHWC", "NCHW"])
@pytest.mark.parametrize("io", ["int8", "uint8", "float32", "none"])
def test_batches_in_the_type_of_a_model(photos, models, io, layout):
    generator = RepresentativeDataGenerator(photos, num_samples=7, input_size=32, batch_size=3, layout=layout)
    (details,) = runtimes.interpreter(models[io]).get_input_details()
    found = all_of(generator.generate_tflite_batches(models[io]))
    real = images.batch(generator.paths, 32, 32)
    assert found.dtype == details["dtype"] and found.shape == (7, 32, 32, 3)
    if io in ("float32", "none"):
        np.testing.assert_allclose(found, real, atol=1e-6)
        return
    scale, zero_point = details["quantization"]
    limits = np.iinfo(found.dtype)
    levels = np.clip(real.astype(np.float64) / scale + zero_point, limits.min, limits.max)
    assert np.abs(found - levels).max() <= 0.5 + 1e-4
    assert 10 < len(np.unique(found))


def test_batches_without_a_model(photos):
    raw = RepresentativeDataGenerator(photos, num_samples=5, input_size=20, preprocessing="raw")
    assert raw.input_quantization() == (1, 0)
    found = all_of(raw.generate_tflite_batches())
    assert found.dtype == np.uint8 and (found == all_of(raw)).all()
    generator = RepresentativeDataGenerator(photos, num_samples=5, input_size=20)
    scale, zero_point = generator.input_quantization()
    lowest, highest = ((np.array(value) - images.MEAN) / images.DEVIATION for value in (0, 1))
    assert scale == pytest.approx((highest.max() - lowest.min()) / 255)
    assert zero_point == round(-lowest.min() / scale)
    back = scale * (all_of(generator.generate_tflite_batches()).astype(np.float64) - zero_point)
    assert np.abs(back - all_of(generator)).max() < scale  # zero is on the grid, so its ends may be off by half a step


@pytest.mark.parametrize(
    ("name", "code", "words"),
    [
        ("missing.tflite", "MODEL", "missing.tflite"),
        ("text.tflite", "MODEL", "not a TFLite file"),
        ("size", "USAGE", "the model takes [N, 32, 32, 3], the data are [N, 31, 32, 3]; see input_size"),
        ("inputs", "USAGE", "the model's inputs are first, second"),
    ],
)
def test_a_model_that_does_not_fit(photos, models, tmp_path, name, code, words):
    (tmp_path / "text.tflite").write_text("this is no model")
    path = models["int8"] if name == "size" else tmp_path / name
    if name == "inputs":
        path = calib8.export(save_two_inputs(tmp_path / "two.onnx"), quantize="none", tflite_path=tmp_path / "two.tflite").tflite
    with pytest.raises(calib8.Error) as caught:
        list(RepresentativeDataGenerator(photos, input_size=(31, 32)).generate_tflite_batches(path))
    assert caught.value.code == calib8.ErrorCode[code] and words in str(caught.value)


def test_calibration_data(photos, models):
    generator = RepresentativeDataGenerator(photos, num_samples=6, input_size=32, batch_size=4, layout="NCHW")
    data = generator.as_calibration_data("main", input_name="x")
    assert list(data) == ["main"] and len(data["main"]) == 6
    assert [list(sample) for sample in data["main"]] == [["x"]] * 6
    found = np.concatenate([dict(sample)["x"] for sample in data["main"]])
    assert found.shape == (6, 3, 32, 32) and (found == all_of(generator)).all()
    (samples,) = generator.as_calibration_data(model=models["none"]).values()
    assert list(samples[0]) == ["image"] and samples[-1]["image"].shape == (1, 32, 32, 3)
    assert [sample["image"].mean() for sample in samples[1:3]] == [samples[1]["image"].mean(), samples[2]["image"].mean()]
    with pytest.raises(IndexError):
        samples[6]
    with pytest.raises(KeyError):
        samples[0]["other"]


def test_ai_edge_quantizer(tmp_path):
    """Google's quantizer calibrates our float model on the generator's samples, as well as we do."""
    from ai_edge_quantizer import quantizer, recipe

    exporter = calib8.ModelExporter(CHECKPOINT, input_size=64)
    model = exporter.export_to_tflite(tmp_path / "float.tflite", quantize="none").tflite
    generator = RepresentativeDataGenerator(DATA, num_samples=20, input_size=64)
    converter = quantizer.Quantizer(str(model), recipe.static_wi8_ai8())
    calibration = converter.calibrate(generator.as_calibration_data(model=model))
    converter.quantize(calibration, enable_progress_report=False).export_model(tmp_path / "int8.tflite")
    inputs = all_of(RepresentativeDataGenerator(DATA, num_samples=20, input_size=64, seed=1))
    real, quantized = (runtimes.run_tflite(path, inputs) for path in (model, tmp_path / "int8.tflite"))
    assert runtimes.sqnr(real, quantized) > 15
    assert (real.argmax(axis=1) == quantized.argmax(axis=1)).mean() >= 0.95


def test_arrays(tmp_path):
    values = np.random.default_rng(0).normal(3, 1, (20, 5, 6, 2))
    np.save(tmp_path / "a.npy", values)
    generator = RepresentativeDataGenerator(tmp_path / "a.npy", num_samples=8, batch_size=3)
    rows = [int(path.name.removeprefix("a.npy[").removesuffix("]")) for path in generator.paths]
    assert len(set(rows)) == 8 and generator.labels == [None] * 8 and generator.preprocessing is None
    assert [batch.shape[0] for batch in generator] == [3, 3, 2]
    assert (all_of(generator) == values[rows].astype(np.float32)).all()
    assert generator.get_statistics()["mean"] == pytest.approx(values[rows].mean(), abs=1e-5)
    with pytest.raises(calib8.Error, match="is not declared; name the model"):
        generator.generate_tflite_batches()
    with pytest.raises(calib8.Error, match="arrays come preprocessed"):
        Inverted(tmp_path / "a.npy")


def test_arrays_for_several_inputs(tmp_path):
    values = {name: np.random.default_rng(size).normal(0, 1, (12, size)) for name, size in (("first", 6), ("second", 4))}
    np.savez(tmp_path / "data.npz", **values)
    onnx = save_two_inputs(tmp_path / "two.onnx")
    model = calib8.export(onnx, quantize="none", tflite_path=tmp_path / "two.tflite").tflite
    generator = RepresentativeDataGenerator(tmp_path / "data.npz", num_samples=5, batch_size=2, model=onnx)
    batches = list(generator.generate_batches())
    assert [{name: array.shape for name, array in batch.items()} for batch in batches[::2]] == [
        {"first": (2, 6), "second": (2, 4)}, {"first": (1, 6), "second": (1, 4)},
    ]  # fmt: skip
    rows = [int(path.name.removeprefix("data.npz[").removesuffix("]")) for path in generator.paths]
    for found in (batches, list(generator()), list(generator.generate_tflite_batches(model))):
        for name in values:
            assert (np.concatenate([batch[name] for batch in found]) == values[name][rows].astype(np.float32)).all()
    assert generator.get_statistics()["inputs"]["second"]["shape"] == [5, 4]
    (samples,) = generator.as_calibration_data(model=model).values()
    assert set(samples[0].copy()) == {"first", "second"}
    result = calib8.export(onnx, representative_data_gen=generator, output_dir=tmp_path / "out", num_calib_samples=4, verify_samples=1)
    assert result.report["dataset"]["calibration_samples"] == 4


def test_interrupt(tmp_path):
    """Ctrl-C ends the opening of many large images within a moment."""
    Image.new("RGB", (4000, 3000), (9, 8, 7)).save(tmp_path / "0.jpg")
    for number in range(1, 400):  # other bytes each, or they would be decoded once
        (tmp_path / f"{number}.jpg").write_bytes((tmp_path / "0.jpg").read_bytes() + f"{number}".encode())
    code = f"""
import calib8, signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # where the tests run in the background, it is ignored
print('ready', flush=True)
calib8.RepresentativeDataGenerator({str(tmp_path)!r}, num_samples=400)
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "ready\n"
        time.sleep(1)
        start = time.monotonic()
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    assert "KeyboardInterrupt" in said and process.returncode == -signal.SIGINT
    assert time.monotonic() - start < 5


@pytest.mark.parametrize(
    ("code", "options"),
    [
        ("DATASET", {"dataset_dir": "no/such/folder"}),
        ("USAGE", {"layout": "CHW"}),
        ("USAGE", {"batch_size": 0}),
        ("USAGE", {"batch_size": 2.5}),
        ("USAGE", {"num_samples": 0}),
        ("USAGE", {"num_samples": -1}),
        ("USAGE", {"num_samples": "many"}),
        ("USAGE", {"dataset_type": "video"}),
        ("USAGE", {"input_size": 0}),
        ("USAGE", {"input_size": (224, 224, 3)}),
        ("USAGE", {"preprocessing": "imagnet"}),
        ("USAGE", {"std": 0}),
        ("USAGE", {"mean": [1, 2]}),
        ("USAGE", {"interpolation": "area"}),
        ("DATASET", {"samples_in": "missing.json"}),
        ("DATASET", {"strict": True}),
        ("DATASET", {"dataset_type": "numpy"}),
    ],
    ids=str,
)
def test_errors(photos, code, options):
    with pytest.raises(calib8.Error) as caught:
        RepresentativeDataGenerator(**{"dataset_dir": photos, **options})
    assert caught.value.code == calib8.ErrorCode[code], caught.value
    assert caught.value.message and "\n" not in str(caught.value)


def test_module_takes_the_flags_of_the_command(photos):
    module = [sys.executable, "-m", "calib8.representative_data"]
    done = subprocess.run([*module, "--data-dir", photos, "--test-batches", "2"], capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "val/<class>" in done.stdout + done.stderr and "Warning" not in done.stderr, done.stderr
    assert subprocess.run([*module, "--nonsense"], capture_output=True, check=False).returncode == 2
