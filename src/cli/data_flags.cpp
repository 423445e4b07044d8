#include "cli/data_flags.h"

#include <charconv>

#include "calib8/error.h"
#include "cli/help.h"

namespace calib8::cli {

CLI::Validator whole_number() {
  const auto check = [](std::string& text) -> std::string {
    const bool digits = !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
    if (!digits || (text.size() > 1 && text[0] == '0')) return "'" + text + "' is not a whole number";
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc() ? std::string() : "'" + text + "' is too large";
  };
  return CLI::Validator(check, "", "whole number");
}

/// One number: both sides.
std::pair<std::int64_t, std::int64_t> parse_size(const std::string& text) {
  const auto number = [&](const std::string& digits) {
    const bool valid =
        !digits.empty() && digits.size() <= 5 && digits.find_first_not_of("0123456789") == std::string::npos;
    const std::int64_t value = valid ? std::stoll(digits) : 0;
    if (value < 1 || value > 16384) {
      throw Error(ErrorCode::usage,
                  "'" + text + "' is not a size; give N or HEIGHTxWIDTH, each from 1 to 16384",
                  "--input-size");
    }
    return value;
  };
  const std::size_t cross = text.find('x');
  if (cross == std::string::npos) return {number(text), number(text)};
  return {number(text.substr(0, cross)), number(text.substr(cross + 1))};
}

void add_required_model(CLI::App& command, DatasetOptions& options) {
  command
      .add_option("--checkpoint,model", options.model,
                  "A .pth checkpoint, an .onnx or a float .tflite file; may stand alone, without the flag")
      ->required()
      ->type_name("MODEL");
}

namespace {

/// "name=1,2": the name, which may hold any character, and the parts.
std::pair<std::string, std::vector<std::string>> split(const std::string& text, const char* flag) {
  const std::size_t equals = text.rfind('=');
  if (equals == std::string::npos || equals == 0 || equals + 1 == text.size())
    throw Error(ErrorCode::usage, "'" + text + "' is not of the form NAME=NUMBER,NUMBER,...", flag);
  std::vector<std::string> parts;
  for (std::size_t begin = equals + 1; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    parts.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return {text.substr(0, equals), std::move(parts)};
}

template <class T>
T parse_number(const std::string& part, const std::string& text, const char* flag) {
  T number{};
  const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), number);
  if (part.empty() || error != std::errc() || end != part.data() + part.size())
    throw Error(ErrorCode::usage, "'" + part + "' in '" + text + "' is not a number", flag);
  return number;
}

template <class T>
void add_numbers(const std::string& text, const char* flag, std::map<std::string, std::vector<T>>& into) {
  const auto [name, parts] = split(text, flag);
  std::vector<T> numbers;
  for (const std::string& part : parts) numbers.push_back(parse_number<T>(part, text, flag));
  if (!into.emplace(name, std::move(numbers)).second)
    throw Error(ErrorCode::usage, "'" + name + "' is given twice", flag);
}

void add_shape(const std::string& text, DatasetOptions& options) {
  add_numbers(text, "--input-shape", options.input_shapes);
}

void add_value(const std::string& text, DatasetOptions& options) {
  add_numbers(text, "--input", options.input_values);
}

}  // namespace

void add_input_flags(CLI::App& command, DatasetOptions& options, std::string& input_size) {
  command.add_option(
      "--arch", options.architecture,
      "Architecture, as torchvision names it (default: the checkpoint's config, or recognized)");
  command.add_option("--num-classes", options.num_classes, "Number of classes that the checkpoint must have")
      ->check(whole_number());
  command.add_option(
      "--state-dict,--weights", options.state_dict,
      "Which of several state_dicts in the checkpoint: its key (ema, model.teacher), or what its "
      "tensors' names begin with (default: the most usual one)");
  command
      .add_option("--head-activation", options.head_activation,
                  "What runs between the linear layers of a head of your own (default: relu)")
      ->type_name("relu|gelu|silu|hardswish|leaky_relu|tanh|sigmoid|elu|none");
  command.add_option("--input-size", input_size,
                     "Height and width of the image, N or HxW (default: the file's own, or 224)");
  command
      .add_option_function<std::vector<std::string>>(
          "--input-shape",
          [&options](const std::vector<std::string>& all) {
            for (const std::string& text : all) add_shape(text, options);
          },
          "Sizes of an input that an ONNX file leaves open (repeatable)")
      ->type_name("NAME=N,N,...")
      ->allow_extra_args(false)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  command
      .add_option_function<std::vector<std::string>>(
          "--input",
          [&options](const std::vector<std::string>& all) {
            for (const std::string& text : all) add_value(text, options);
          },
          "An input of an ONNX file becomes a constant: one number for all its elements, or all of them, "
          "row by row (repeatable)")
      ->type_name("NAME=NUMBER,...")
      ->allow_extra_args(false)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
}

void add_data_flags(CLI::App& command, DatasetOptions& options) {
  begin_group(command, "Data");
  command.add_option("--dataset-dir,--data-dir,--calibration-dir", options.dataset_dir,
                     "Representative images: a folder, a list (.txt, .csv), a description (.yaml, .json) or "
                     "arrays (.npy, .npz) (default: ml/data, then data)");
  add_choice(command, "--dataset-type", options.dataset_type, "What the data are");
  add_choice(command, "--array-layout", options.array_layout,
             "How arrays hold images where their shape fits both ways");
  add_choice(
      command, "--class-order", options.class_order,
      "How class folders are numbered: by the model's class names or else by bytes (1, 10, 2), or natural "
      "(1, 2, 10)");
  command.add_option(
      "--class-column", options.class_column,
      "The column of a table of images (.csv, .tsv) that holds their classes (default: the likeliest)");
  command
      .add_option("--num-calib-samples,--num-samples", options.num_samples,
                  "Samples to calibrate on (default: 100)")
      ->check(whole_number());
  command.add_option("--seed", options.seed, "Of the choice of images (default: 0)")->check(whole_number());
  command.add_option("--samples-in", options.samples_in,
                     "Use exactly the samples that this metadata file (or JSON list of paths) names");
  command.add_flag("--follow-links", options.follow_links,
                   "Follow symbolic links and listed paths that lead out of the folder");
  command.add_flag("--full", options.examine_all,
                   "Check the quality of all images, not of those drawn alone");
  command.add_flag("--strict", options.strict, "Stop where the data give a warning");
}

void add_preprocessing_flags(CLI::App& command, PreprocessingOptions& options) {
  begin_group(command, "Preprocessing");
  command.add_option(
      "--preprocessing", options.preprocessing,
      "How images become the model's input: imagenet, torchvision:NAME (of an architecture or of "
      "weights), timm, ultralytics, tf (-1..1), raw (0..255), or a JSON file (default: the "
      "checkpoint's config, or imagenet). The flags below replace single steps of it");
  command
      .add_option(
          "--resize-mode", options.resize_mode,
          "exact (to the input size), shortest-side, cover (both keep proportions and cut the center) or "
          "letterbox (keeps proportions and pads)")
      ->type_name("exact|shortest-side|cover|letterbox");
  command.add_option("--crop", options.crop,
                     "Share of the resized side that the center crop keeps, 0.875 or 224/256; without "
                     "--resize-mode, exact becomes shortest-side");
  command.add_option(
      "--interpolation", options.interpolation,
      "nearest, bilinear, bicubic or lanczos (antialiased, as Pillow's), or with opencv- before it "
      "(not antialiased)");
  command.add_option("--channel-order", options.channel_order, "Order of the model's channels")
      ->type_name("rgb|bgr|gray");
  command.add_option("--scale", options.scale, "What pixels of 0..255 are multiplied by: 1/255, 1");
  command
      .add_option("--mean", options.mean,
                  "Subtracted from scaled pixels: one number, or one per channel in the model's order")
      ->delimiter(',')
      ->allow_extra_args(false);
  command.add_option("--std", options.deviation, "What is then divided by, likewise")
      ->delimiter(',')
      ->allow_extra_args(false);
}

}  // namespace calib8::cli
