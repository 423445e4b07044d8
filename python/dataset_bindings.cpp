#include "dataset_bindings.h"

#include <nanobind/ndarray.h>
#include <nanobind/stl/filesystem.h>
#include <nanobind/stl/function.h>
#include <nanobind/stl/map.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/string_view.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/interrupt.h"
#include "base/parallel.h"
#include "calib8/dataset.h"
#include "discover/discover.h"
#include "image/preprocess.h"
#include "image/preprocessing_json.h"
#include "image_samples/image_source.h"
#include "pipeline/preprocessing/preprocessing_choice.h"
#include "read/tflite.h"
#include "samples/value_statistics.h"

namespace nb = nanobind;
using namespace nb::literals;
using calib8::DatasetOptions;
using calib8::RepresentativeDataset;

namespace {

/// NumPy takes over the memory.
template <class T>
nb::ndarray<nb::numpy, T> to_numpy(std::vector<T> values, const std::vector<std::size_t>& shape) {
  auto* owned = new std::vector<T>(std::move(values));
  const nb::capsule owner(owned,
                          [](void* pointer) noexcept { delete static_cast<std::vector<T>*>(pointer); });
  return nb::ndarray<nb::numpy, T>(owned->data(), shape.size(), shape.data(), owner);
}

nb::ndarray<nb::numpy, std::uint8_t> to_numpy(calib8::Image image) {
  const auto height = static_cast<std::size_t>(image.height), width = static_cast<std::size_t>(image.width);
  return to_numpy(std::move(image.pixels), {height, width, 3});
}

nb::bytes to_bytes(const std::string& text) {
  return nb::bytes(text.data(), text.size());
}

/// For names that are UTF-8 but for odd files.
nb::object to_text(const std::string& text) {
  return to_bytes(text).attr("decode")("utf-8", "replace");
}

nb::list to_bytes(const std::vector<std::string>& texts) {
  nb::list list;
  for (const std::string& text : texts) list.append(to_bytes(text));
  return list;
}

/// Hands progress to Python, and lets Ctrl-C through on whatever thread it is told. The options may be copied
/// by who doesn't hold Python's lock.
void set_progress(DatasetOptions& options, nb::object callback) {
  const std::shared_ptr<nb::object> shared(new nb::object(std::move(callback)), [](nb::object* object) {
    const nb::gil_scoped_acquire held;
    delete object;
  });
  options.progress = [shared](const calib8::Progress& progress) {
    const nb::gil_scoped_acquire held;
    if (PyErr_CheckSignals() != 0) throw nb::python_error();
    if (!shared->is_none()) (*shared)(progress.stage, progress.done, progress.total);
  };
}

/// A data set, and how many threads read its samples.
struct OpenDataset {
  RepresentativeDataset dataset;
  int threads;
};

OpenDataset open_dataset(const DatasetOptions& options) {
  const nb::gil_scoped_release released;
  const calib8::InterruptCheck check(&check_python_signals);
  return {RepresentativeDataset(options), options.threads > 0 ? options.threads : calib8::usable_cores()};
}

/// Samples [first, first + count) as one array [count, ...] per input name.
nb::dict load(const OpenDataset& open, std::size_t first, std::size_t count) {
  struct Batch {
    std::vector<std::size_t> shape;
    std::vector<float> values;
  };
  std::map<std::string, Batch> batches;
  {
    const nb::gil_scoped_release released;
    const calib8::InterruptCheck check(&check_python_signals);
    for (const auto& [name, shape] : open.dataset.inputs()) {
      Batch& batch = batches[name];
      batch.shape.assign(shape.begin(), shape.end());
      batch.shape[0] = count;
      std::size_t size = 1;
      for (const std::size_t length : batch.shape) size *= length;
      batch.values.resize(size);
    }
    calib8::parallel_for(count, open.threads, [&](int, std::size_t i) {
      const calib8::RepresentativeSample sample = open.dataset.sample(first + i);
      for (const auto& [name, array] : sample.inputs) {
        std::vector<float>& values = batches.at(name).values;
        if (array.values.size() != values.size() / count)
          throw calib8::Error(calib8::ErrorCode::internal, "a sample of another shape", sample.path);
        std::copy(array.values.begin(), array.values.end(),
                  values.begin() + static_cast<std::ptrdiff_t>(i * array.values.size()));
      }
    });
  }
  nb::dict result;
  for (auto& [name, batch] : batches) result[to_text(name)] = to_numpy(std::move(batch.values), batch.shape);
  return result;
}

std::vector<std::optional<int>> labels_of(const OpenDataset& open) {
  std::vector<std::optional<int>> labels;
  for (std::size_t i = 0; i < open.dataset.size(); ++i) labels.push_back(open.dataset.label(i));
  return labels;
}

nb::list input_names(const OpenDataset& open) {
  nb::list names;
  for (const auto& [name, shape] : open.dataset.inputs()) names.append(to_text(name));
  return names;
}

nb::dict to_dict(double least, double most, double mean, double deviation) {
  nb::dict dict;
  dict["min"] = least;
  dict["max"] = most;
  dict["mean"] = mean;
  dict["std"] = deviation;
  return dict;
}
nb::dict to_dict(const calib8::ValueStatistics& values) {
  return to_dict(values.least, values.most, values.mean, values.deviation);
}
nb::dict to_dict(const calib8::ValueCounter& values) {
  return to_dict(values.least(), values.most(), values.mean(), values.deviation());
}

/// The values' dict with shape and channels.
template <class Values>
nb::dict to_dict(const Values& values, const std::vector<Values>& channels,
                 const std::vector<std::int64_t>& shape) {
  nb::dict dict = to_dict(values);
  dict["shape"] = shape;
  nb::list by_channel;
  for (const Values& channel : channels) by_channel.append(to_dict(channel));
  dict["channels"] = by_channel;
  return dict;
}

/// Statistics of all samples by input name.
nb::dict measure(const OpenDataset& open) {
  std::vector<calib8::InputStatistics> inputs;
  {
    const nb::gil_scoped_release released;
    const calib8::InterruptCheck check(&check_python_signals);
    inputs = open.dataset.measure(0, open.dataset.size());
  }
  nb::dict dict;
  for (const calib8::InputStatistics& input : inputs)
    dict[to_text(input.input)] = to_dict(input.values, input.channels, input.shape);
  return dict;
}

/// Statistics of samples that Python makes, as measure() gives them.
class BatchCounter {
 public:
  void add(const nb::ndarray<const float, nb::c_contig, nb::device::cpu>& batch) {
    std::vector<std::int64_t> shape;
    for (std::size_t i = 0; i < batch.ndim(); ++i) shape.push_back(static_cast<std::int64_t>(batch.shape(i)));
    counter_.add({batch.data(), batch.size()}, shape);
    if (shape_.empty())
      shape_ = shape;
    else
      shape_[0] += shape[0];
  }
  nb::dict result() const { return to_dict(counter_.values(), counter_.channels(), shape_); }

 private:
  calib8::InputCounter counter_;
  std::vector<std::int64_t> shape_;
};

/// Inputs of a .tflite file, as dicts. Scale and zero point are there where the input has one of each.
nb::list read_tflite_inputs(const std::filesystem::path& path) {
  nb::list list;
  for (const auto& [name, tensor] :
       calib8::read_tflite_outline(calib8::map_file(path), path.string()).inputs) {
    nb::dict input;
    input["name"] = to_text(name);
    input["dtype"] = std::string(calib8::name_of(tensor.dtype));
    input["shape"] = nb::tuple(nb::cast(std::vector<std::int64_t>(tensor.shape.begin(), tensor.shape.end())));
    if (tensor.quantization && tensor.quantization->scales.size() == 1) {
      input["scale"] = static_cast<double>(tensor.quantization->scales[0]);
      input["zero_point"] = tensor.quantization->zero_points[0];
    }
    list.append(input);
  }
  return list;
}

nb::ndarray<nb::numpy, std::uint8_t> decode(const std::filesystem::path& path, bool exif_orientation) {
  return to_numpy(calib8::read_image(path, {exif_orientation}));
}

/// The preprocessing as JSON text, by its preset or file and the flags of `calib8 export`.
std::string choose_preprocessing(const DatasetOptions& options, int height, int width, int channels) {
  const auto choice =
      calib8::choose_preprocessing(options, nlohmann::json::object(), height, width, channels);
  return calib8::to_json(choice.preprocessing).dump();
}

calib8::Preprocessing parse_preprocessing(const std::string& text) {
  return calib8::preprocessing_from_json(nlohmann::json::parse(text, nullptr, false), "preprocessing");
}

nb::ndarray<nb::numpy, std::uint8_t> fit_image(const std::filesystem::path& path, const std::string& text) {
  const calib8::Preprocessing preprocessing = parse_preprocessing(text);
  return to_numpy(
      calib8::fit_image(calib8::read_image(path, {preprocessing.exif_orientation}), preprocessing));
}

nb::ndarray<nb::numpy, float> preprocess(const std::filesystem::path& path,
                                         const calib8::Preprocessing& preprocessing) {
  std::vector<float> values;
  std::vector<std::size_t> shape;
  {
    const nb::gil_scoped_release released;
    const calib8::Tensor tensor =
        calib8::preprocess(calib8::read_image(path, {preprocessing.exif_orientation}), preprocessing);
    shape.assign(tensor.shape.begin(), tensor.shape.end());
    const auto elements = tensor.as<float>();
    values.assign(elements.begin(), elements.end());
  }
  return to_numpy(std::move(values), shape);
}

/// Paths and names as bytes: they need not be UTF-8.
nb::dict discover(const std::filesystem::path& folder, calib8::DatasetKind type, bool follow_links,
                  const std::string& class_column) {
  const calib8::DatasetListing listing = calib8::discover_dataset(folder, {type, follow_links, class_column});
  nb::list images, labels, boxes;
  for (const calib8::ImageEntry image : listing.images) {
    images.append(to_bytes(image.relative_path));
    labels.append(image.label);
    if (!listing.annotations) continue;
    nb::list of_image;
    for (const calib8::Box& box : listing.annotations->read_boxes(image))
      of_image.append(nb::make_tuple(box.class_index, box.x, box.y, box.width, box.height));
    boxes.append(of_image);
  }
  nb::dict result;
  result["layout"] = to_bytes(listing.layout);
  result["arrays"] = listing.arrays;
  result["images"] = images;
  result["labels"] = labels;
  result["boxes"] = boxes;
  result["class_names"] = to_bytes(listing.class_names);
  result["object_names"] = to_bytes(listing.object_names);
  result["notes"] = to_bytes(listing.notes);
  return result;
}

/// For the tests: parts of the way from a file to a sample.
void bind_parts(nb::module_& module) {
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
  module.def("discover", &discover, "folder"_a, "type"_a = calib8::DatasetKind::automatic,
             "follow_links"_a = false, "class_column"_a = "", "What discover_dataset finds, as a dict");
}

}  // namespace

void check_python_signals() {
  const nb::gil_scoped_acquire held;
  if (PyErr_CheckSignals() != 0) throw nb::python_error();
}

void bind_dataset_options(nb::module_& module) {
  bind_choices<calib8::DatasetKind>(module, "DatasetKind");
  bind_choices<calib8::ArrayLayout>(module, "ArrayLayout");
  bind_choices<calib8::ClassOrder>(module, "ClassOrder");
  nb::class_<DatasetOptions>(module, "DatasetOptions")
      .def(nb::init<>())
      .def_rw("model", &DatasetOptions::model)
      .def_rw("input_size", &DatasetOptions::input_size)
      .def_rw("input_shape", &DatasetOptions::input_shapes)
      .def_rw("input", &DatasetOptions::input_values)
      .def_rw("num_classes", &DatasetOptions::num_classes)
      .def_rw("arch", &DatasetOptions::architecture)
      .def_rw("state_dict", &DatasetOptions::state_dict)
      .def_rw("head_activation", &DatasetOptions::head_activation)
      .def_rw("dataset_dir", &DatasetOptions::dataset_dir)
      .def_rw("dataset_type", &DatasetOptions::dataset_type)
      .def_rw("array_layout", &DatasetOptions::array_layout)
      .def_rw("class_order", &DatasetOptions::class_order)
      .def_rw("class_column", &DatasetOptions::class_column)
      .def_prop_rw(  // a preset's name, or a path of whatever bytes
          "preprocessing", [](const DatasetOptions& options) { return options.preprocessing; },
          [](DatasetOptions& options, const std::filesystem::path& name) {
            options.preprocessing = name.string();
          })
      .def_rw("mean", &DatasetOptions::mean)
      .def_rw("std", &DatasetOptions::deviation)
      .def_rw("interpolation", &DatasetOptions::interpolation)
      .def_rw("resize_mode", &DatasetOptions::resize_mode)
      .def_rw("crop", &DatasetOptions::crop)
      .def_rw("channel_order", &DatasetOptions::channel_order)
      .def_rw("scale", &DatasetOptions::scale)
      .def_rw("num_samples", &DatasetOptions::num_samples)
      .def_rw("seed", &DatasetOptions::seed)
      .def_rw("samples_in", &DatasetOptions::samples_in)
      .def_rw("follow_links", &DatasetOptions::follow_links)
      .def_rw("full", &DatasetOptions::examine_all)
      .def_rw("strict", &DatasetOptions::strict)
      .def_rw("threads", &DatasetOptions::threads)
      .def_rw("note", &DatasetOptions::note)
      .def("set_progress", &set_progress, "callback"_a.none());
}

void bind_dataset(nb::module_& module) {
  nb::class_<OpenDataset>(module, "Dataset")
      .def_prop_ro("size", [](const OpenDataset& open) { return open.dataset.size(); })
      .def_prop_ro("folder", [](const OpenDataset& open) { return to_bytes(open.dataset.folder().string()); })
      .def_prop_ro("class_names",
                   [](const OpenDataset& open) { return to_bytes(open.dataset.class_names()); })
      .def_prop_ro("notes", [](const OpenDataset& open) { return to_bytes(open.dataset.notes()); })
      .def_prop_ro("warnings", [](const OpenDataset& open) { return to_bytes(open.dataset.warnings()); })
      .def_prop_ro("preprocessing", [](const OpenDataset& open) { return open.dataset.preprocessing(); })
      .def_prop_ro("value_range", [](const OpenDataset& open) { return open.dataset.value_range(); })
      .def_prop_ro("summary", [](const OpenDataset& open) { return to_bytes(open.dataset.describe()); })
      .def_prop_ro("report", [](const OpenDataset& open) { return open.dataset.report().text(); })
      .def_prop_ro("input_names", &input_names)
      .def(
          "path",
          [](const OpenDataset& open, std::size_t index) { return to_bytes(open.dataset.path(index)); },
          "index"_a, "Relative to the folder")
      .def_prop_ro("labels", &labels_of)
      .def("measure", &measure, "Statistics of all samples, by input name")
      .def("load", &load, "first"_a, "count"_a, "float32 [count, ...] by input name");
  nb::class_<BatchCounter>(module, "InputCounter")
      .def(nb::init<>())
      .def("add", &BatchCounter::add, "batch"_a)
      .def("result", &BatchCounter::result);
  module.def("open_dataset", &open_dataset, "options"_a);
  module.def("read_tflite_inputs", &read_tflite_inputs, "path"_a);
  bind_parts(module);
}
