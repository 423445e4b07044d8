#include "base/text.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "tflite_graph/describe.h"

namespace calib8 {
namespace {

constexpr std::int64_t most_printed_elements = 8;

std::string hash_text(ByteView bytes) {
  return fmt::format("#{:.8}", short_hash(bytes));
}

/// Shapes, axes and permutations are more telling than their hash.
std::string constant_text(const Tensor& tensor) {
  const bool is_integer = tensor.dtype == DType::int32 || tensor.dtype == DType::int64;
  if (!is_integer || tensor.count() > most_printed_elements) return hash_text(tensor.data.bytes());
  return fmt::format("{{{}}}", fmt::join(to_int64(tensor), ", "));
}

std::string signature_name(const std::vector<std::string>& names, std::size_t index) {
  return index < names.size() ? fmt::format("\"{}\" ", names[index]) : "";
}

std::string operator_line(const TfliteGraph& graph, const TfliteOperator& op) {
  const auto list = [](std::string& text, const std::string& item) {
    text.append(text.empty() ? "" : ", ").append(item);
  };
  const auto with_type = [&](TensorId id) {
    return fmt::format("%{}: {}", graph[id].name, to_text(graph[id]));
  };
  std::string outputs, inputs, options;
  for (const TensorId output : op.outputs) list(outputs, with_type(output));
  for (const TensorId input : op.inputs) {
    list(inputs, !input.exists()            ? "_"
                 : graph.is_constant(input) ? with_type(input)
                                            : fmt::format("%{}", graph[input].name));
  }
  for (const auto& [name, value] : describe_options(op.options))
    list(options, fmt::format("{}={}", name, value));
  if (!options.empty()) options = fmt::format(" {{{}}}", options);
  return fmt::format("  {} = {}({}){}", outputs, name_of(op.options), inputs, options);
}

}  // namespace

std::string to_text(const Quantization& quantization) {
  const auto& [scales, zero_points, axis] = quantization;
  if (scales.size() == 1 && zero_points.size() == 1)
    return fmt::format("q({}, {})", scales[0], zero_points[0]);
  const std::uint64_t hashes[] = {hash64(std::as_bytes(std::span(scales))),
                                  hash64(std::as_bytes(std::span(zero_points)))};
  return fmt::format("q({} on axis {} {})", scales.size(), axis, hash_text(std::as_bytes(std::span(hashes))));
}

std::string to_text(const TfliteTensor& tensor) {
  std::string text = fmt::format("{}{}", name_of(tensor.dtype), to_string(tensor.shape));
  if (tensor.quantization) text.append(" ").append(to_text(*tensor.quantization));
  if (tensor.constant) text.append(" ").append(constant_text(tensor.as_tensor()));
  return text;
}

std::string to_text(const TfliteGraph& graph) {
  std::string text = "tflite graph\n";
  const auto add_line = [&](const std::string& line) {
    text += escaped(line) + "\n";
  };  // names may be anything
  const auto add_signature = [&](std::string_view kind, const auto& ids, const auto& names) {
    for (std::size_t i = 0; i < ids.size(); ++i) {
      add_line(fmt::format("  {} {}%{}: {}", kind, signature_name(names, i), graph[ids[i]].name,
                           to_text(graph[ids[i]])));
    }
  };
  add_signature("input", graph.inputs(), graph.input_names);
  for (const OperatorId id : graph.nodes()) add_line(operator_line(graph, graph[id]));
  add_signature("output", graph.outputs(), graph.output_names);
  return text;
}

}  // namespace calib8
