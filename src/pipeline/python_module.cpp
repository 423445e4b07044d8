#include "pipeline/python_module.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <string_view>

#include "calib8/error.h"
#include "calib8/version.h"
#include "image/preprocessing_names.h"
#include "pipeline/python_module_text.h"
#include "pipeline/representative_dataset.h"
#include "report/python_literal.h"
#include "write/atomic_file.h"

namespace calib8 {
namespace {

namespace fs = std::filesystem;

/// A format string: version, number of samples, what must be installed.
constexpr std::string_view head =
    R"py("""Representative data: {1} samples, preprocessed as the model was trained. Written by calib8 {0}.

Needs {2}, and Python 3.8 or later. The arrays are those that calib8 feeds: float32, channels last.

    representative_dataset()   for TensorFlow Lite's converter: converter.representative_dataset = representative_dataset
    batches(batch_size)        arrays [N, ...], or lists of them for a model of several inputs
    samples()                  one sample at a time, with its class
"""

)py";

/// A part of python_module.py: what stands between its line and that of the next one.
std::string part(std::string_view name) {
  constexpr std::string_view mark = "\n# part: ";
  const std::size_t line = python_module_code.find(fmt::format("{}{}\n", mark, name));
  if (line == std::string_view::npos)
    throw Error(ErrorCode::internal, "no part of the Python module", std::string(name));
  std::string_view text = python_module_code.substr(python_module_code.find('\n', line + 1) + 1);
  text = text.substr(0, text.find(mark));
  return std::string(text.substr(0, text.find_last_not_of('\n') + 1)) + "\n";
}

/// The folder that the samples' paths are relative to: as it was named, where that is it, else from the root.
std::string root_of(const RepresentativeData& data) {
  std::error_code error;
  for (const fs::path& named : {data.folder->path, data.folder->path.parent_path()}) {
    const fs::path folder = named.empty() ? fs::path(".") : named;
    if (fs::equivalent(folder, data.folder->listing.root, error)) return folder.string();
  }
  return data.folder->listing.root.string();
}

std::string list_of(const std::vector<float>& values) {
  return fmt::format("({},)", fmt::join(values, ", "));
}

/// The steps as constants, under the names that the module's code uses.
std::string image_constants(const Preprocessing& p) {
  const auto name = name_of_interpolation(ResizeLibrary::pillow, p.interpolation);
  return fmt::format(
      "# {}\n"
      "HEIGHT, WIDTH = {}, {}  # what the model takes, in pixels\n"
      "EXIF_ORIENTATION = {}\n"
      "CHANNEL_ORDER = \"{}\"\n"
      "RESIZE_MODE = \"{}\"\n"
      "RESIZE_HEIGHT, RESIZE_WIDTH = {}, {}  # before the crop; shortest-side uses the first\n"
      "INTERPOLATION = \"{}\"\n"
      "PAD = {}  # of letterbox\n"
      "DIVISOR = {}\n"
      "MEAN = {}\n"
      "STD = {}\n",
      describe(p), p.height, p.width, p.exif_orientation ? "True" : "False", name_of(p.channel_order),
      name_of(p.resize_mode),
      p.resize_height > 0                          ? p.resize_height
      : p.resize_mode == ResizeMode::shortest_side ? std::min(p.height, p.width)
                                                   : p.height,
      p.resize_width > 0 ? p.resize_width : p.width, name, p.pad_value, p.divisor, list_of(p.mean),
      list_of(p.deviation));
}

std::string array_constants(const RepresentativeData& data) {
  std::string text =
      "# Name and shape of each input of the model, in its order; the first size is the batch.\nINPUTS = (\n";
  for (const ArrayInput& input : data.inputs)
    text += fmt::format("    ({}, ({},)),\n", python_literal(input.name), fmt::join(input.shape, ", "));
  const bool first = std::ranges::any_of(data.inputs, &ArrayInput::channels_first);
  return text + fmt::format(")\nCHANNELS_FIRST = {}  # of arrays whose shape fits both ways\n",
                            first ? "True" : "False");
}

/// ("val/cat/1.jpg", 0, "<SHA-256>"); arrays have their row before the hash.
std::string sample_list(const RepresentativeData& data) {
  std::string text = "SAMPLES = (\n";
  for (std::size_t i = 0; i < data.samples.calibration->size(); ++i) {
    const DrawnSample sample = drawn_sample(data, i);
    text += fmt::format("    ({}, {}, {}\"{}\"),\n", python_literal(sample.entry.relative_path),
                        sample.entry.label ? std::to_string(*sample.entry.label) : "None",
                        sample.row ? fmt::format("{}, ", *sample.row) : "", sample.sha256);
  }
  return text + ")\n";
}

std::string class_list(const std::vector<std::string>& names) {
  std::string text = "CLASS_NAMES = (\n";
  for (const std::string& name : names) text += fmt::format("    {},\n", python_literal(name));
  return text + ")\n";
}

std::string module_text(const RepresentativeData& data) {
  const bool opencv = data.preprocessing && data.preprocessing->steps.library == ResizeLibrary::opencv;
  std::string text = fmt::format(head, version, data.samples.calibration->size(),
                                 !data.preprocessing ? "NumPy alone"
                                 : opencv            ? "NumPy, Pillow and OpenCV (opencv-python-headless)"
                                                     : "NumPy and Pillow");
  text += "import hashlib\nimport os\n\n";
  if (data.preprocessing)
    text += opencv ? "import cv2\nimport numpy as np\nfrom PIL import Image, ImageOps\n"
                   : "import numpy as np\nfrom PIL import Image, ImageOps\n";
  else
    text += "import numpy as np\n";
  text += "\n# The folder of the data, as it was named when this was written; batches() takes another.\n";
  text += fmt::format("ROOT = {}\n\n", python_literal(root_of(data)));
  text += data.preprocessing ? image_constants(data.preprocessing->steps) : array_constants(data);
  text += "\n" + class_list(data.folder->listing.class_names) + "\n";
  text += data.preprocessing
              ? "# Path, class (or None) and SHA-256 of the file.\n"
              : "# Path, class (or None), row in the file and SHA-256 of the row's float32 values.\n";
  text += sample_list(data);
  if (data.preprocessing) {
    text += part("decode");
    text += part(opencv ? "resize-opencv" : "resize-pillow");
    text += part("fit");
  } else {
    text += part("arrays");
  }
  return text + part("batches");
}

}  // namespace

void write_python_module(const RepresentativeData& data, const fs::path& path) {
  AtomicFile file(path);
  const std::string text = module_text(data);
  file.write(std::as_bytes(std::span(text)));
  file.commit();
}

}  // namespace calib8
