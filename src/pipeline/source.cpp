#include "pipeline/source.h"

#include <fmt/format.h>

#include <algorithm>
#include <future>

#include "base/mapped_file.h"
#include "base/text.h"
#include "optimize/optimize.h"
#include "pipeline/finite_weights.h"
#include "pipeline/readers/model_readers.h"
#include "simplify/signature.h"
#include "simplify/simplify.h"

namespace calib8 {
namespace {

void check_flags(const ModelReader& reader, const ExportOptions& options) {
  const auto refuse = [&](const char* flag) {
    throw Error(ErrorCode::usage,
                fmt::format("is for checkpoints, and the model is {}: leave it out", reader.name), flag);
  };
  if (!reader.read)
    throw Error(ErrorCode::model, fmt::format("is {}, not a model", reader.name), options.model.string());
  if (options.architecture && !reader.holds_weights_alone) refuse("--arch");
  if (options.num_classes && !reader.holds_weights_alone) refuse("--num-classes");
  if (options.state_dict && !reader.holds_weights_alone) refuse("--state-dict");
  if (options.head_activation && !reader.holds_weights_alone) refuse("--head-activation");
  const auto refuse_of_onnx = [&](const char* flag) {
    throw Error(ErrorCode::usage,
                fmt::format("is for ONNX files and exported programs, and the model is {}: leave it out",
                            reader.name),
                flag);
  };
  if (!options.input_shapes.empty() && !reader.has_open_inputs) refuse_of_onnx("--input-shape");
  if (!options.input_values.empty() && !reader.has_open_inputs) refuse_of_onnx("--input");
}

/// As model.onnx has it, and as lowering takes it.
std::variant<OnnxGraph, TfliteGraph, Stopped> simplified(OnnxGraph graph, const ExportOptions& options) {
  verify(graph, "reading");
  if (simplify(graph, pass_options(options)).stopped) return Stopped{std::move(graph)};
  // Behind simplifying, which takes a batch that an exporter wrote into a Reshape away.
  if (options.dynamic_batch) open_batch(graph);
  return graph;
}

std::vector<ArrayInput> inputs_of(const TfliteGraph& graph) {
  std::vector<ArrayInput> inputs;
  for (std::size_t i = 0; i < graph.inputs().size(); ++i)
    inputs.push_back({graph.input_names[i], graph[graph.inputs()[i]].shape});
  return inputs;
}

std::vector<ArrayInput> inputs_of(const OnnxGraph& graph) {
  std::vector<ArrayInput> inputs;
  for (const OnnxValueId input : graph.inputs()) {
    const OnnxValue& value = graph[input];
    Shape shape = value.type->static_shape();
    if (value.type->dtype == DType::float32 && shape.size() == 4)  // as lower() does
      std::rotate(shape.begin() + 1, shape.begin() + 2, shape.end());
    inputs.push_back({value.name, std::move(shape)});
  }
  return inputs;
}

std::vector<ArrayInput> inputs_of(const Stopped& stopped) {
  return inputs_of(stopped.graph);
}

}  // namespace

PassOptions pass_options(const ExportOptions& options) {
  PassOptions passes{options.disabled_passes, options.stop_after.value_or("")};
  std::vector<std::string_view> names = optimize_pass_names();
  names.insert(names.begin(), simplify_pass_names().begin(), simplify_pass_names().end());
  check_pass_names(passes, names);
  return passes;
}

namespace {

Source read_file(const Data& file, const ExportOptions& options) {
  const ModelReader& reader = reader_of(file.bytes());
  check_flags(reader, options);
  // Beside reading: of a large file it takes as long.
  std::future<std::string> digest =
      std::async(std::launch::async | std::launch::deferred, [&file] { return sha256(file.bytes()); });
  Source source = reader.read(file, options);
  if (const auto* onnx = std::get_if<OnnxGraph>(&source.graph))
    require_finite_weights(*onnx, options.model.string());
  source.description.file = options.model.filename().string();
  source.description.bytes = file.size();
  source.description.sha256 = digest.get();
  if (auto* graph = std::get_if<OnnxGraph>(&source.graph))
    source.graph = simplified(std::move(*graph), options);
  source.files.push_back(file);
  return source;
}

}  // namespace

Source read_source(const ExportOptions& options) {
  const FolderWeights model = model_file(options.model);
  ExportOptions of_file = options;
  of_file.model = model.file;
  const Data file = map_file(model.file);
  Source source = read_unchanged(file, [&] { return read_file(file, of_file); });
  if (model.file != options.model) source.other_files.push_back(model.file);
  if (!model.note.empty()) source.description.notes.push_back(model.note);
  for (const std::string& note : source.description.notes) {
    if (options.note) options.note(one_line(note));  // names in files may be anything
  }
  return source;
}

SampleRequest read_model_inputs(const DatasetOptions& options) {
  ExportOptions export_options;
  static_cast<DatasetOptions&>(export_options) = options;
  const Source source = read_source(export_options);
  SampleRequest request;
  request.config = source.description.config;
  request.class_names = source.description.class_names;
  request.config_from = source.description.config_from;
  request.file_has_channels_last = source.description.kind == "tflite";
  request.inputs = std::visit([](const auto& graph) { return inputs_of(graph); }, source.graph);
  return request;
}

OnnxGraph with_single_batch(OnnxGraph graph, const ExportOptions& options) {
  fix_batch(graph, 1);
  require_static_inputs(graph);
  simplify(graph, pass_options(options));
  return graph;
}

}  // namespace calib8
