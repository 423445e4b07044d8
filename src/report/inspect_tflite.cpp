#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "base/text.h"
#include "report/inspect.h"
#include "report/table.h"
#include "report/xnnpack_partitions.h"
#include "tflite_graph/describe.h"

namespace calib8 {
namespace {

using Json = nlohmann::ordered_json;

/// The tensors that are in use, numbered in the order that a file has: inputs, then as operators read and
/// write them.
struct Numbering {
  std::vector<TensorId> tensors;
  std::map<TensorId, int> number;

  explicit Numbering(const TfliteGraph& graph) {
    const auto add = [&](TensorId id) {
      if (id.exists() && number.try_emplace(id, static_cast<int>(tensors.size())).second)
        tensors.push_back(id);
    };
    for (const TensorId id : graph.inputs()) add(id);
    for (const OperatorId id : graph.nodes()) {
      std::ranges::for_each(graph[id].inputs, add);
      std::ranges::for_each(graph[id].outputs, add);
    }
    for (const TensorId id : graph.outputs()) add(id);
  }
  int of(TensorId id) const { return id.exists() ? number.at(id) : -1; }
};

std::string type_text(const TfliteTensor& tensor) {
  return fmt::format("{}{}", name_of(tensor.dtype), to_string(tensor.shape));
}

std::string quantization_text(const std::optional<Quantization>& quantization) {
  if (!quantization) return "";
  const auto& [scales, zero_points, axis] = *quantization;
  if (scales.size() == 1) return fmt::format("scale {:.6g}, zero point {}", scales[0], zero_points[0]);
  const auto [smallest, largest] = std::ranges::minmax(scales);
  return fmt::format("{} scales on axis {}, {:.3g} to {:.3g}", scales.size(), axis, smallest, largest);
}

Json quantization_json(const std::optional<Quantization>& quantization) {
  if (!quantization) return nullptr;
  return {{"scales", quantization->scales},
          {"zero_points", quantization->zero_points},
          {"axis", quantization->axis}};
}

/// The options that differ from the struct's defaults.
std::string options_text(const tflite::Options& options) {
  const auto defaults = std::visit(
      [](const auto& op) { return describe_options(std::remove_cvref_t<decltype(op)>{}); }, options);
  std::string text;
  std::size_t index = 0;
  for (const auto& option : describe_options(options)) {
    if (option == defaults[index++]) continue;
    text += fmt::format("{}{}={}", text.empty() ? "" : ", ", option.first, option.second);
  }
  return text;
}

int version_of(const TfliteGraph& graph, const TfliteOperator& op) {
  const TfliteOp& row = tflite_op(op.options);
  return row.version ? row.version(graph, op) : 1;
}

std::map<std::string, int> operator_counts(const TfliteGraph& graph) {
  std::map<std::string, int> counts;
  for (const OperatorId id : graph.nodes()) ++counts[std::string(name_of(graph[id].options))];
  return counts;
}

/// Bytes of the constants, equal views counted once.
std::uint64_t constant_bytes(const TfliteGraph& graph, const Numbering& numbering) {
  std::set<std::pair<const std::byte*, std::size_t>> views;
  std::uint64_t bytes = 0;
  for (const TensorId id : numbering.tensors) {
    if (!graph.is_constant(id)) continue;
    const ByteView view = graph[id].constant->bytes();
    if (views.emplace(view.data(), view.size()).second) bytes += view.size();
  }
  return bytes;
}

Json signature_json(const TfliteGraph& graph, const Numbering& numbering, const std::vector<TensorId>& ids,
                    const std::vector<std::string>& names) {
  Json entries = Json::array();
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const TfliteTensor& tensor = graph[ids[i]];
    entries.push_back({{"name", escaped(i < names.size() ? names[i] : tensor.name)},
                       {"tensor", numbering.of(ids[i])},
                       {"dtype", name_of(tensor.dtype)},
                       {"shape", tensor.shape},
                       {"quantization", quantization_json(tensor.quantization)}});
  }
  return entries;
}

Json operators_json(const TfliteGraph& graph, const Numbering& numbering, const XnnpackPartitions& xnnpack) {
  Json entries = Json::array();
  const auto numbers = [&](const std::vector<TensorId>& ids) {
    Json list = Json::array();
    for (const TensorId id : ids) list.push_back(numbering.of(id));
    return list;
  };
  for (const OperatorId id : graph.nodes()) {
    const TfliteOperator& op = graph[id];
    Json options = Json::object();
    for (const auto& [name, value] : describe_options(op.options)) options[std::string(name)] = value;
    const int partition = xnnpack.partition_of_operator[entries.size()];
    entries.push_back({{"op", name_of(op.options)},
                       {"version", version_of(graph, op)},
                       {"inputs", numbers(op.inputs)},
                       {"outputs", numbers(op.outputs)},
                       {"options", std::move(options)},
                       {"xnnpack_partition", partition < 0 ? Json(nullptr) : Json(partition)}});
  }
  return entries;
}

Json tensors_json(const TfliteGraph& graph, const Numbering& numbering) {
  Json entries = Json::array();
  for (const TensorId id : numbering.tensors) {
    const TfliteTensor& tensor = graph[id];
    entries.push_back({{"name", escaped(tensor.name)},
                       {"dtype", name_of(tensor.dtype)},
                       {"shape", tensor.shape},
                       {"is_constant", tensor.is_constant()},
                       {"quantization", quantization_json(tensor.quantization)}});
  }
  return entries;
}

Table signature_table(const TfliteGraph& graph) {
  Table table{{{""}, {""}, {""}, {""}}, {}};
  const auto add = [&](std::string_view kind, const auto& ids, const auto& names) {
    for (std::size_t i = 0; i < ids.size(); ++i) {
      const TfliteTensor& tensor = graph[ids[i]];
      table.rows.push_back({std::string(kind), escaped(i < names.size() ? names[i] : tensor.name),
                            type_text(tensor), quantization_text(tensor.quantization)});
    }
  };
  add("input", graph.inputs(), graph.input_names);
  add("output", graph.outputs(), graph.output_names);
  return table;
}

Table counts_table(const TfliteGraph& graph, const XnnpackPartitions& xnnpack) {
  std::map<std::string, int> on_xnnpack;
  std::size_t index = 0;
  for (const OperatorId id : graph.nodes()) {
    on_xnnpack[std::string(name_of(graph[id].options))] += xnnpack.partition_of_operator[index++] >= 0;
  }
  Table table{{{"operator"}, {"count", true}, {"on XNNPACK", true}}, {}};
  for (const auto& [name, count] : operator_counts(graph)) {
    table.rows.push_back({name, std::to_string(count), std::to_string(on_xnnpack[name])});
  }
  return table;
}

Table operators_table(const TfliteGraph& graph, const Numbering& numbering,
                      const XnnpackPartitions& xnnpack) {
  Table table{{{"#", true}, {"operator"}, {"version", true}, {"XNNPACK"}, {"reads"}, {"writes"}, {"options"}},
              {}};
  const auto list = [&](const std::vector<TensorId>& ids) {
    std::string text;
    for (const TensorId id : ids) {
      text += fmt::format("{}{}", text.empty() ? "" : " ",
                          id.exists() ? fmt::format("{}:{}", numbering.of(id), type_text(graph[id])) : "-");
    }
    return text;
  };
  for (const OperatorId id : graph.nodes()) {
    const TfliteOperator& op = graph[id];
    const std::size_t index = table.rows.size();
    table.rows.push_back({std::to_string(index), std::string(name_of(op.options)),
                          std::to_string(version_of(graph, op)),
                          xnnpack.partition_of_operator[index] >= 0 ? "yes" : "no", list(op.inputs),
                          list(op.outputs), options_text(op.options)});
  }
  return table;
}

Table tensors_table(const TfliteGraph& graph, const Numbering& numbering) {
  Table table{{{"#", true}, {"name"}, {"type"}, {"constant", true}, {"quantization"}}, {}};
  for (const TensorId id : numbering.tensors) {
    const TfliteTensor& tensor = graph[id];
    table.rows.push_back({std::to_string(numbering.of(id)), escaped(tensor.name), type_text(tensor),
                          tensor.constant ? bytes_text(tensor.constant->size()) : "",
                          quantization_text(tensor.quantization)});
  }
  return table;
}

Table signature_table(const TfliteOutline& outline) {
  Table table{{{""}, {""}, {""}, {""}}, {}};
  const auto add = [&](std::string_view kind, const std::vector<TfliteEndpoint>& endpoints) {
    for (const auto& [name, tensor] : endpoints)
      table.rows.push_back(
          {std::string(kind), escaped(name), type_text(tensor), quantization_text(tensor.quantization)});
  };
  add("input", outline.inputs);
  add("output", outline.outputs);
  return table;
}

Json endpoints_json(const std::vector<TfliteEndpoint>& endpoints) {
  Json list = Json::array();
  for (const auto& [name, tensor] : endpoints) {
    list.push_back({{"name", escaped(name)},
                    {"dtype", name_of(tensor.dtype)},
                    {"shape", tensor.shape},
                    {"quantization", quantization_json(tensor.quantization)}});
  }
  return list;
}

}  // namespace

nlohmann::ordered_json inspect_json(const TfliteGraph& graph) {
  const Numbering numbering(graph);
  const XnnpackPartitions xnnpack = predict_xnnpack_partitions(graph);
  return {{"format", "tflite"},
          {"inputs", signature_json(graph, numbering, graph.inputs(), graph.input_names)},
          {"outputs", signature_json(graph, numbering, graph.outputs(), graph.output_names)},
          {"operator_counts", operator_counts(graph)},
          {"is_convertible", true},
          {"constant_bytes", constant_bytes(graph, numbering)},
          {"xnnpack_operators", xnnpack.delegated_operators},
          {"xnnpack_partitions", xnnpack.partitions},
          {"operators", operators_json(graph, numbering, xnnpack)},
          {"tensors", tensors_json(graph, numbering)}};
}

std::string inspect_text(const TfliteGraph& graph) {
  const Numbering numbering(graph);
  const XnnpackPartitions xnnpack = predict_xnnpack_partitions(graph);
  return fmt::format(
      "TFLite model: {} operators, {} tensors, {} of constants\n{}"
      "XNNPACK runs {} of {} operators in {} partition{}\n\n{}\n{}\n{}",
      graph.node_count(), numbering.tensors.size(), bytes_text(constant_bytes(graph, numbering)),
      to_text(signature_table(graph)), xnnpack.delegated_operators, graph.node_count(), xnnpack.partitions,
      xnnpack.partitions == 1 ? "" : "s", to_text(counts_table(graph, xnnpack)),
      to_text(operators_table(graph, numbering, xnnpack)), to_text(tensors_table(graph, numbering)));
}

nlohmann::ordered_json inspect_json(const TfliteOutline& outline) {
  Json counts = Json::object(), unsupported = Json::array();
  for (const auto& [name, known] : outline.operators) {
    counts[escaped(name)] = known.count;
    if (!known.is_supported) unsupported.push_back(escaped(name));
  }
  return {{"format", "tflite"},
          {"inputs", endpoints_json(outline.inputs)},
          {"outputs", endpoints_json(outline.outputs)},
          {"subgraphs", outline.subgraphs},
          {"operator_counts", std::move(counts)},
          {"unsupported_operators", std::move(unsupported)},
          {"is_convertible", false}};
}

std::string inspect_text(const TfliteOutline& outline) {
  Table counts{{{"operator"}, {"count", true}, {""}}, {}};
  for (const auto& [name, known] : outline.operators) {
    counts.rows.push_back(
        {escaped(name), std::to_string(known.count), known.is_supported ? "" : "not supported"});
  }
  return fmt::format("TFLite model that can't be converted: {} subgraph{}{}\n{}\n{}", outline.subgraphs,
                     outline.subgraphs == 1 ? "" : "s (calib8 converts one)",
                     outline.subgraphs == 1 ? ", with operators that calib8 doesn't know" : "",
                     to_text(signature_table(outline)), to_text(counts));
}

}  // namespace calib8
