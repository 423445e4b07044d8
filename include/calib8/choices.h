#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

namespace calib8 {

/// Which files an export writes.
enum class OutputFormat { onnx, tflite, both };

/// How the .tflite file stores numbers: int8 throughout, int8 weights beside int16 activations, int8 weights
/// beside float activations ("dynamic range": no calibration), weights as float16, or float32.
enum class QuantizeTo { none, float16, int8, int16x8, dynamic };

/// How activation ranges are chosen from what calibration saw: the extremes, all but rare values, or the
/// range of least error.
enum class CalibrationMethod { minmax, percentile, mse };

/// Type of an integer model's inputs and outputs; automatic: int8, or float32 beside int16 activations.
enum class ModelIo { automatic, int8, uint8, int16, float32 };

/// What an int8 model takes in place of what the float model takes: a picture's own bytes, the same values as
/// the float model, or, where that is measured to be worth it, the bytes.
enum class ModelInput { automatic, pixels, normalized };

/// How much an export does for the accuracy of an integer model: one way to make it, several that are
/// compared with each other, or several with more samples.
enum class Effort { fast, balanced, max };

/// What is looked for in a data set; automatic: whatever is there.
enum class DatasetKind { automatic, classification, detection, images, numpy };

/// What a model's outputs are for, and so what its proof is; automatic: what its file, the outputs' shapes
/// and the data tell. Tensors: signal to noise alone.
enum class TaskKind { automatic, classification, detection, tensors };

/// How arrays whose shape fits both ways hold images; automatic: as the model's file has its input.
enum class ArrayLayout { automatic, channels_first, channels_last };

/// How class folders are numbered: as the model's file names its classes and else by their names' bytes, as
/// torchvision's ImageFolder does it; always so; or with numbers in their names by value (1, 2, 10).
enum class ClassOrder { automatic, bytes, natural };

/// Whether an integer model is as good as the float one: surely enough, surely not, or as far as is known,
/// where there were too few samples to be sure.
enum class Verdict { proven, unproven, failed };

/// A choice and the word for it: on the command line, in Python and in JSON.
template <class T>
struct Choice {
  T value;
  std::string_view word;
};

/// The words of each choice, the default's first.
constexpr std::array<Choice<OutputFormat>, 3> choices_of(OutputFormat) {
  using enum OutputFormat;
  return {{{tflite, "tflite"}, {onnx, "onnx"}, {both, "both"}}};
}
constexpr std::array<Choice<QuantizeTo>, 5> choices_of(QuantizeTo) {
  using enum QuantizeTo;
  return {{{int8, "int8"}, {int16x8, "int16x8"}, {dynamic, "dynamic"}, {float16, "float16"}, {none, "none"}}};
}
constexpr std::array<Choice<CalibrationMethod>, 3> choices_of(CalibrationMethod) {
  using enum CalibrationMethod;
  return {{{mse, "mse"}, {minmax, "minmax"}, {percentile, "percentile"}}};
}
constexpr std::array<Choice<ModelIo>, 5> choices_of(ModelIo) {
  using enum ModelIo;
  return {{{automatic, "auto"}, {int8, "int8"}, {uint8, "uint8"}, {int16, "int16"}, {float32, "float32"}}};
}
constexpr std::array<Choice<ModelInput>, 3> choices_of(ModelInput) {
  using enum ModelInput;
  return {{{automatic, "auto"}, {pixels, "pixels"}, {normalized, "normalized"}}};
}
constexpr std::array<Choice<Effort>, 3> choices_of(Effort) {
  using enum Effort;
  return {{{balanced, "balanced"}, {fast, "fast"}, {max, "max"}}};
}
constexpr std::array<Choice<DatasetKind>, 5> choices_of(DatasetKind) {
  using enum DatasetKind;
  return {{{automatic, "auto"},
           {classification, "classification"},
           {detection, "detection"},
           {images, "images"},
           {numpy, "numpy"}}};
}
constexpr std::array<Choice<TaskKind>, 4> choices_of(TaskKind) {
  using enum TaskKind;
  return {{{automatic, "auto"},
           {classification, "classification"},
           {detection, "detection"},
           {tensors, "tensors"}}};
}
constexpr std::array<Choice<Verdict>, 3> choices_of(Verdict) {
  using enum Verdict;
  return {{{proven, "proven"}, {unproven, "unproven"}, {failed, "failed"}}};
}

constexpr std::array<Choice<ArrayLayout>, 3> choices_of(ArrayLayout) {
  using enum ArrayLayout;
  return {{{automatic, "auto"}, {channels_first, "channels-first"}, {channels_last, "channels-last"}}};
}
constexpr std::array<Choice<ClassOrder>, 3> choices_of(ClassOrder) {
  using enum ClassOrder;
  return {{{automatic, "auto"}, {bytes, "bytes"}, {natural, "natural"}}};
}

/// The word of a choice; empty for a value that is none of them.
template <class T>
constexpr std::string_view word_of(T value) {
  for (const auto& choice : choices_of(T{})) {
    if (choice.value == value) return choice.word;
  }
  return {};
}

/// The choice of a word; nothing where no choice has it.
template <class T>
constexpr std::optional<T> find_choice(std::string_view word) {
  for (const auto& choice : choices_of(T{})) {
    if (choice.word == word) return choice.value;
  }
  return std::nullopt;
}

/// "int8|float16|none"
template <class T>
std::string words_of(std::string_view separator = "|") {
  std::string words;
  for (const auto& choice : choices_of(T{})) words.append(words.empty() ? "" : separator).append(choice.word);
  return words;
}

}  // namespace calib8
