#include "pipeline/source.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "optimize/optimize.h"
#include "pipeline/preprocessing_choice.h"
#include "read/architectures/rebuild.h"
#include "read/checkpoint.h"
#include "read/onnx.h"
#include "read/tflite.h"
#include "read/tflite_float.h"
#include "simplify/signature.h"
#include "simplify/simplify.h"

namespace calib8 {
namespace {

/// An image size that a checkpoint's config names: a number, or [height, width].
std::optional<std::pair<std::int64_t, std::int64_t>> configured_size(const nlohmann::json& config) {
  for (const char* key : {"input_size", "image_size", "img_size"}) {
    if (!config.is_object() || !config.contains(key)) continue;
    const nlohmann::json& size = config[key];
    const auto plausible = [](const nlohmann::json& value) {
      return value.is_number_integer() && value.get<std::int64_t>() >= 1 &&
             value.get<std::int64_t>() <= 16384;
    };
    if (plausible(size)) return std::pair(size.get<std::int64_t>(), size.get<std::int64_t>());
    if (size.is_array() && size.size() >= 2 && plausible(size[size.size() - 2]) &&
        plausible(size[size.size() - 1])) {
      return std::pair(size[size.size() - 2].get<std::int64_t>(), size[size.size() - 1].get<std::int64_t>());
    }
  }
  return std::nullopt;
}

Source read_checkpoint_source(const Data& file, const ExportOptions& options) {
  const Checkpoint checkpoint = read_checkpoint(file, options.model.string());
  RebuildRequest request;
  request.architecture = options.architecture;
  request.num_classes = options.num_classes;
  request.dynamic_batch = options.dynamic_batch;
  const auto declared = declared_input_size(options, checkpoint.config);
  const auto configured = configured_size(checkpoint.config);
  std::tie(request.height, request.width) =
      options.input_size ? *options.input_size
      : declared         ? declared->size
                         : configured.value_or(std::pair<std::int64_t, std::int64_t>(224, 224));
  RebuiltModel rebuilt = [&] {
    try {
      return rebuild_model(checkpoint, request);
    } catch (const Error& error) {
      throw Error(error.code(), error.message(),
                  error.where().empty() ? options.model.string() : error.where());
    }
  }();
  const char* size_from = options.input_size ? "--input-size"
                          : declared         ? declared->from
                          : configured       ? "the checkpoint's config"
                                             : "the default";
  return {std::move(rebuilt.graph),
          std::nullopt,
          {{"kind", "checkpoint"},
           {"architecture", rebuilt.architecture},
           {"recognized_by", rebuilt.recognized_by},
           {"head", rebuilt.head},
           {"num_classes", rebuilt.num_classes},
           {"input_size", {request.height, request.width}},
           {"input_size_from", size_from},
           {"config", checkpoint.config}}};
}

Source read_onnx_source(const ExportOptions& options) {
  std::map<std::string, Data> external_files;
  OnnxGraph graph = read_onnx(options.model, &external_files);
  nlohmann::json description = {{"kind", "onnx"}};
  for (const auto& [location, data] : external_files) {
    description["external_data"].push_back(
        {{"file", location}, {"bytes", data.size()}, {"sha256", sha256(data.bytes())}});
  }
  if (options.input_size) set_input_size(graph, options.input_size->first, options.input_size->second);
  if (!options.dynamic_batch) {
    fix_batch(graph, 1);
    require_static_inputs(graph);
  }
  return {std::move(graph), std::nullopt, std::move(description)};
}

/// A state_dict alone leaves open what these say.
void require_no_checkpoint_flags(const ExportOptions& options, const char* kind) {
  const auto refuse = [&](const char* flag) {
    throw Error(ErrorCode::usage, fmt::format("is for checkpoints, and the model is {}: leave it out", kind),
                flag);
  };
  if (options.architecture) refuse("--arch");
  if (options.num_classes) refuse("--num-classes");
}

}  // namespace

PassOptions pass_options(const ExportOptions& options) {
  PassOptions passes{options.disabled_passes, options.stop_after.value_or("")};
  std::vector<std::string_view> names = optimize_pass_names();
  names.insert(names.begin(), simplify_pass_names().begin(), simplify_pass_names().end());
  check_pass_names(passes, names);
  return passes;
}

Source read_source(const ExportOptions& options) {
  const Data file = map_file(options.model);
  Source source;
  if (looks_like_tflite(file.bytes())) {
    require_no_checkpoint_flags(options, "a .tflite file");
    source = {std::nullopt, read_tflite(file, options.model.string()), {{"kind", "tflite"}}};
    convert_to_float32(*source.tflite, options.model.string());
  } else if (looks_like_onnx(file.bytes())) {
    require_no_checkpoint_flags(options, "an ONNX file");
    source = read_onnx_source(options);
  } else {
    source = read_checkpoint_source(file, options);
  }
  source.description["file"] = options.model.filename().string();
  source.description["bytes"] = file.size();
  source.description["sha256"] = sha256(file.bytes());
  if (source.onnx) {
    verify(*source.onnx, "reading");
    source.stopped = simplify(*source.onnx, pass_options(options)).stopped;
    // Behind simplifying, which takes a batch that an exporter wrote into a Reshape away.
    if (options.dynamic_batch && !source.stopped) open_batch(*source.onnx);
  }
  return source;
}

SampleRequest read_model_inputs(const DatasetOptions& options) {
  ExportOptions export_options;
  static_cast<DatasetOptions&>(export_options) = options;
  const Source source = read_source(export_options);
  SampleRequest request;
  request.config = source.description.value("config", nlohmann::json::object());
  if (source.tflite) {
    const TfliteGraph& graph = *source.tflite;
    for (std::size_t i = 0; i < graph.inputs().size(); ++i)
      request.inputs.push_back({graph.input_names[i], graph[graph.inputs()[i]].shape});
    return request;
  }
  for (const OnnxValueId input : source.onnx->inputs()) {
    const OnnxValue& value = (*source.onnx)[input];
    Shape shape = value.type->static_shape();
    if (value.type->dtype == DType::float32 && shape.size() == 4)  // as lower() does
      std::rotate(shape.begin() + 1, shape.begin() + 2, shape.end());
    request.inputs.push_back({value.name, std::move(shape)});
  }
  return request;
}

OnnxGraph with_single_batch(OnnxGraph graph, const ExportOptions& options) {
  fix_batch(graph, 1);
  require_static_inputs(graph);
  simplify(graph, pass_options(options));
  return graph;
}

}  // namespace calib8
