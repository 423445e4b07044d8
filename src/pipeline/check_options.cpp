#include "pipeline/check_options.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "image/preprocessing_fields.h"

namespace calib8 {
namespace {

constexpr std::size_t most_samples = 1000000;
constexpr int most_threads = 1024;

[[noreturn]] void refuse(const char* flag, const std::string& message) {
  throw Error(ErrorCode::usage, message, flag);
}

void check_samples(const char* flag, std::size_t samples) {
  if (samples < 1 || samples > most_samples)
    refuse(flag, fmt::format("{} is not a number of samples from 1 to {}", samples, most_samples));
}

/// Python can hand on what is no enumerator.
template <class T>
void check_choice(const char* flag, T value) {
  if (word_of(value).empty()) refuse(flag, "is none of " + words_of<T>(", "));
}

void check_io(const ExportOptions& options) {
  const bool is_wide = options.quantize == QuantizeTo::int16x8;
  const bool is_int8 = options.io == ModelIo::int8 || options.io == ModelIo::uint8;
  if (is_wide && is_int8)
    refuse("--io", "a model of int16 activations has inputs and outputs of int16 or float32");
  if (!is_wide && options.io == ModelIo::int16) refuse("--io", "int16 is for --quantize int16x8");
}

void check_model_input(const ExportOptions& options) {
  check_choice("--model-input", options.model_input);
  if (options.model_input != ModelInput::pixels) return;
  if (options.quantize == QuantizeTo::int16x8)
    refuse("--model-input", "int16 takes what the float model takes: pixels are for other files");
  if (options.quantize == QuantizeTo::int8 && options.io == ModelIo::float32)
    refuse("--model-input", "an int8 model takes pixels as --io int8 or uint8");
}

}  // namespace

void check_options(const DatasetOptions& options) {
  check_samples("--num-calib-samples", options.num_samples);
  if (options.threads < 0 || options.threads > most_threads)
    refuse("--threads",
           fmt::format("{} is not a number of threads from 1 to {}", options.threads, most_threads));
  if (options.num_classes && *options.num_classes < 1)
    refuse("--num-classes", fmt::format("{} is not a number of classes", *options.num_classes));
  check_choice("--dataset-type", options.dataset_type);
  check_choice("--array-layout", options.array_layout);
  check_choice("--class-order", options.class_order);
  if (!options.input_size) return;
  const auto [height, width] = *options.input_size;
  if (height < 1 || width < 1 || height > kLargestSide || width > kLargestSide)
    refuse("--input-size",
           fmt::format("{}x{} is not a size; each side is 1 to {}", height, width, kLargestSide));
}

void check_options(const ExportOptions& options) {
  check_options(static_cast<const DatasetOptions&>(options));
  if (options.model.empty()) refuse("--checkpoint", "names no model file");
  check_choice("--format", options.format);
  check_choice("--quantize", options.quantize);
  check_choice("--calibration", options.calibration);
  check_choice("--effort", options.effort);
  check_choice("--io", options.io);
  check_io(options);
  const bool is_integer = options.quantize == QuantizeTo::int8 || options.quantize == QuantizeTo::int16x8;
  if (!options.keep_float.empty() && !is_integer)
    refuse("--keep-float", "is for integer models: --quantize int8 or int16x8");
  if (std::ranges::any_of(options.keep_float, &std::string::empty)) refuse("--keep-float", "names no layer");
  check_model_input(options);
  if (options.verify_samples) check_samples("--verify-samples", *options.verify_samples);
  if (!(options.min_agreement >= 0 && options.min_agreement <= 1))  // and so no NaN
    refuse("--min-agreement", fmt::format("{} is not a share from 0 to 1", options.min_agreement));
  if (options.min_sqnr && !std::isfinite(*options.min_sqnr))
    refuse("--min-sqnr", fmt::format("{} is not a number of decibels", *options.min_sqnr));
  check_choice("--task", options.task);
  if (options.max_map_loss && !(*options.max_map_loss >= 0 && *options.max_map_loss <= 1))
    refuse("--max-map-loss", fmt::format("{} is not a share from 0 to 1", *options.max_map_loss));
  if (options.check_preprocessing &&
      (options.quantize == QuantizeTo::none || options.format == OutputFormat::onnx)) {
    refuse("--check-preprocessing",
           "needs a model that is calibrated and verified: --quantize int8, int16x8, dynamic or float16");
  }
}

}  // namespace calib8
