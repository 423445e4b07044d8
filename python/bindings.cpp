#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/filesystem.h>
#include <nanobind/stl/function.h>
#include <nanobind/stl/map.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/string_view.h>
#include <nanobind/stl/vector.h>

#include "calib8/export.h"
#include "calib8/inspect.h"
#include "calib8/version.h"
#include "container/printable.h"
#include "dataset/discover.h"
#include "dataset/image_source.h"
#include "dataset/preprocess.h"
#include "dataset/preprocessing_json.h"
#include "pipeline/preprocessing_choice.h"

namespace nb = nanobind;
using namespace nb::literals;
using calib8::ExportOptions;
using calib8::ExportResult;

namespace {

using FloatArray = nb::ndarray<const float, nb::c_contig, nb::device::cpu>;

/// calib8.Error, defined in Python, with code, message and where.
void raise_error(const std::exception_ptr& pointer, void*) {
  try {
    std::rethrow_exception(pointer);
  } catch (const calib8::Error& error) {
    const nb::object type = nb::module_::import_("calib8.errors").attr("Error");
    const nb::object instance = type(static_cast<int>(error.code()), calib8::valid_utf8(error.message()),
                                     calib8::valid_utf8(error.where()));
    PyErr_SetObject(type.ptr(), instance.ptr());
  }
}

calib8::SampleArray copy_array(const FloatArray& array) {
  calib8::SampleArray copy;
  for (std::size_t i = 0; i < array.ndim(); ++i)
    copy.shape.push_back(static_cast<std::int64_t>(array.shape(i)));
  copy.values.assign(array.data(), array.data() + array.size());
  return copy;
}

/// Hands progress to Python and lets Ctrl-C through, which Python notices on its main thread only.
void set_progress(ExportOptions& options, nb::object callback) {
  options.progress = [callback = std::move(callback)](const calib8::Progress& progress) {
    const nb::gil_scoped_acquire held;
    if (PyErr_CheckSignals() != 0) throw nb::python_error();
    if (!callback.is_none()) callback(progress.stage, progress.done, progress.total);
  };
}

ExportResult export_without_lock(const ExportOptions& options) {
  const nb::gil_scoped_release released;
  return calib8::export_model(options);
}

/// NumPy takes over the memory.
template <class T>
nb::ndarray<nb::numpy, T> to_numpy(std::vector<T> values, std::initializer_list<std::size_t> shape) {
  auto* owned = new std::vector<T>(std::move(values));
  const nb::capsule owner(owned,
                          [](void* pointer) noexcept { delete static_cast<std::vector<T>*>(pointer); });
  return nb::ndarray<nb::numpy, T>(owned->data(), shape, owner);
}

nb::ndarray<nb::numpy, std::uint8_t> to_numpy(calib8::Image image) {
  const auto height = static_cast<std::size_t>(image.height), width = static_cast<std::size_t>(image.width);
  return to_numpy(std::move(image.pixels), {height, width, 3});
}

nb::ndarray<nb::numpy, std::uint8_t> decode(const std::filesystem::path& path, bool exif_orientation) {
  return to_numpy(calib8::read_image(path, {exif_orientation}));
}

/// The preprocessing as JSON text, by its preset or file and the flags of `calib8 export`.
std::string choose_preprocessing(const ExportOptions& options, int height, int width, int channels) {
  const auto choice =
      calib8::choose_preprocessing(options, nlohmann::json::object(), height, width, channels);
  return calib8::to_json(choice.preprocessing).dump();
}

calib8::Preprocessing parse_preprocessing(const std::string& text) {
  return calib8::preprocessing_from_json(nlohmann::json::parse(text, nullptr, false), "preprocessing");
}

nb::ndarray<nb::numpy, std::uint8_t> fit_image(const std::filesystem::path& path, const std::string& text) {
  const calib8::Preprocessing preprocessing = parse_preprocessing(text);
  return to_numpy(calib8::fit_image(calib8::read_image(path, {preprocessing.exif_orientation}), preprocessing));
}

nb::ndarray<nb::numpy, float> preprocess(const std::filesystem::path& path,
                                         const calib8::Preprocessing& preprocessing) {
  const calib8::Tensor tensor = calib8::preprocess(calib8::read_image(path, {preprocessing.exif_orientation}), preprocessing);
  const auto values = tensor.as<float>();
  return to_numpy(std::vector<float>(values.begin(), values.end()),
                  {1, static_cast<std::size_t>(tensor.shape[1]), static_cast<std::size_t>(tensor.shape[2]),
                   static_cast<std::size_t>(tensor.shape[3])});
}

nb::bytes to_bytes(const std::string& text) {
  return nb::bytes(text.data(), text.size());
}

/// Paths and names as bytes: they need not be UTF-8.
nb::dict discover(const std::filesystem::path& folder, calib8::DatasetType type, bool follow_links) {
  const calib8::DatasetListing listing = calib8::discover_dataset(folder, {type, follow_links});
  nb::list images, labels, class_names, object_names, notes;
  nb::list boxes;
  for (const calib8::ImageEntry image : listing.images) {
    images.append(to_bytes(image.relative_path));
    labels.append(image.label);
    if (!listing.annotations) continue;
    nb::list of_image;
    for (const calib8::Box& box : listing.annotations->read_boxes(image))
      of_image.append(nb::make_tuple(box.class_index, box.x, box.y, box.width, box.height));
    boxes.append(of_image);
  }
  for (const std::string& name : listing.class_names) class_names.append(to_bytes(name));
  for (const std::string& name : listing.object_names) object_names.append(to_bytes(name));
  for (const std::string& note : listing.notes) notes.append(to_bytes(note));
  nb::dict result;
  result["layout"] = to_bytes(listing.layout);
  result["arrays"] = listing.arrays;
  result["images"] = images;
  result["labels"] = labels;
  result["boxes"] = boxes;
  result["class_names"] = class_names;
  result["object_names"] = object_names;
  result["notes"] = notes;
  return result;
}

void bind_options(nb::module_& module) {
  nb::enum_<calib8::OutputFormat>(module, "OutputFormat")
      .value("onnx", calib8::OutputFormat::onnx)
      .value("tflite", calib8::OutputFormat::tflite)
      .value("both", calib8::OutputFormat::both);
  nb::enum_<calib8::QuantizeTo>(module, "QuantizeTo")
      .value("none", calib8::QuantizeTo::none)
      .value("float16", calib8::QuantizeTo::float16)
      .value("int8", calib8::QuantizeTo::int8);
  nb::enum_<calib8::DatasetKind>(module, "DatasetKind")
      .value("auto", calib8::DatasetKind::automatic)
      .value("classification", calib8::DatasetKind::classification)
      .value("detection", calib8::DatasetKind::detection)
      .value("images", calib8::DatasetKind::images)
      .value("numpy", calib8::DatasetKind::numpy);
  nb::enum_<calib8::DatasetType>(module, "DatasetType")
      .value("auto", calib8::DatasetType::automatic)
      .value("classification", calib8::DatasetType::classification)
      .value("detection", calib8::DatasetType::detection)
      .value("images", calib8::DatasetType::images)
      .value("numpy", calib8::DatasetType::numpy);
  nb::enum_<calib8::CalibrationMethod>(module, "CalibrationMethod")
      .value("minmax", calib8::CalibrationMethod::minmax)
      .value("percentile", calib8::CalibrationMethod::percentile)
      .value("mse", calib8::CalibrationMethod::mse);
  nb::enum_<calib8::ModelIo>(module, "ModelIo")
      .value("int8", calib8::ModelIo::int8)
      .value("uint8", calib8::ModelIo::uint8)
      .value("float32", calib8::ModelIo::float32);
  nb::class_<ExportOptions>(module, "ExportOptions")
      .def(nb::init<>())
      .def_rw("model", &ExportOptions::model)
      .def_rw("format", &ExportOptions::format)
      .def_rw("quantize", &ExportOptions::quantize)
      .def_rw("output_dir", &ExportOptions::output_dir)
      .def_rw("onnx_path", &ExportOptions::onnx_path)
      .def_rw("tflite_path", &ExportOptions::tflite_path)
      .def_rw("plan_out", &ExportOptions::plan_out)
      .def_rw("dataset_dir", &ExportOptions::dataset_dir)
      .def_rw("dataset_type", &ExportOptions::dataset_type)
      .def_rw("preprocessing", &ExportOptions::preprocessing)
      .def_rw("mean", &ExportOptions::mean)
      .def_rw("std", &ExportOptions::deviation)
      .def_rw("interpolation", &ExportOptions::interpolation)
      .def_rw("resize_mode", &ExportOptions::resize_mode)
      .def_rw("crop", &ExportOptions::crop)
      .def_rw("channel_order", &ExportOptions::channel_order)
      .def_rw("scale", &ExportOptions::scale)
      .def_rw("check_preprocessing", &ExportOptions::check_preprocessing)
      .def_rw("num_calib_samples", &ExportOptions::num_samples)
      .def_rw("verify_samples", &ExportOptions::verify_samples)
      .def_rw("samples_in", &ExportOptions::samples_in)
      .def_rw("follow_links", &ExportOptions::follow_links)
      .def_rw("full", &ExportOptions::examine_all)
      .def_rw("strict", &ExportOptions::strict)
      .def_rw("input_size", &ExportOptions::input_size)
      .def_rw("num_classes", &ExportOptions::num_classes)
      .def_rw("arch", &ExportOptions::architecture)
      .def_rw("dynamic_batch", &ExportOptions::dynamic_batch)
      .def_rw("calibration", &ExportOptions::calibration)
      .def_rw("io", &ExportOptions::io)
      .def_rw("min_agreement", &ExportOptions::min_agreement)
      .def_rw("verify_onnx", &ExportOptions::verify_onnx)
      .def_rw("seed", &ExportOptions::seed)
      .def_rw("threads", &ExportOptions::threads)
      .def_rw("note", &ExportOptions::note)
      .def("set_progress", &set_progress, "callback"_a.none())
      .def("add_sample", [](ExportOptions& options, const std::map<std::string, FloatArray>& arrays) {
        auto& sample = options.samples.emplace_back();
        for (const auto& [name, array] : arrays) sample.emplace(name, copy_array(array));
      });
}

}  // namespace

NB_MODULE(_native, module) {
  module.doc() = "calib8's C++ library. The package calib8 is the interface; this is not.";
  module.attr("version") = calib8::version;
  nb::register_exception_translator(&raise_error);
  bind_options(module);
  nb::class_<ExportResult>(module, "ExportResult")
      .def_ro("onnx", &ExportResult::onnx)
      .def_ro("tflite", &ExportResult::tflite)
      .def_ro("metadata", &ExportResult::metadata)
      .def_ro("gate_passed", &ExportResult::gate_passed)
      .def_ro("verdict", &ExportResult::verdict)
      .def_ro("summary", &ExportResult::summary)
      .def_ro("report", &ExportResult::report);
  module.def("export", &export_without_lock, "options"_a);
  module.def("inspect", &calib8::inspect, "file"_a, "as_json"_a);
  module.def("decode", &decode, "path"_a, "exif_orientation"_a = false, "uint8 [height, width, 3], RGB");
  module.def("choose_preprocessing", &choose_preprocessing, "options"_a, "height"_a, "width"_a, "channels"_a,
             "JSON text");
  module.def("fit_image", &fit_image, "path"_a, "preprocessing"_a, "uint8 [height, width, 3]");
  module.def(
      "preprocess",
      [](const std::filesystem::path& path, const std::string& preprocessing) {
        return preprocess(path, parse_preprocessing(preprocessing));
      },
      "path"_a, "preprocessing"_a, "float32 [1, height, width, channels]");
  module.def(
      "preprocess",
      [](const std::filesystem::path& path, int height, int width) {
        return preprocess(path, {.height = height, .width = width});
      },
      "path"_a, "height"_a, "width"_a, "float32 [1, height, width, 3], as the default");
  module.def("discover", &discover, "folder"_a, "type"_a = calib8::DatasetType::automatic,
             "follow_links"_a = false, "What discover_dataset finds, as a dict");
}
