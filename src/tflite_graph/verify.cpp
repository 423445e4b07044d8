#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "tflite_graph/describe.h"

namespace calib8 {
namespace {

using Fault = std::optional<std::string>;

Fault fault_of_quantization(const TfliteTensor& tensor) {
  if (!tensor.quantization) return std::nullopt;
  const auto& [scales, zero_points, axis] = *tensor.quantization;
  if (scales.empty()) return fmt::format("tensor '{}' has a quantization without scales", tensor.name);
  if (scales.size() != zero_points.size()) {
    return fmt::format("tensor '{}' has {} scales but {} zero points", tensor.name, scales.size(),
                       zero_points.size());
  }
  if (!std::ranges::all_of(scales, [](float scale) { return std::isfinite(scale); })) {
    return fmt::format("tensor '{}' has a scale that is not a finite number", tensor.name);
  }
  if (scales.size() == 1) {
    if (axis == 0) return std::nullopt;
    return fmt::format("tensor '{}' has one scale but quantization axis {}", tensor.name, axis);
  }
  const bool fits = axis >= 0 && axis < static_cast<std::int64_t>(tensor.shape.size()) &&
                    tensor.shape[static_cast<std::size_t>(axis)] == static_cast<std::int64_t>(scales.size());
  if (fits) return std::nullopt;
  return fmt::format("tensor '{}' of shape {} has {} scales on axis {}", tensor.name, to_string(tensor.shape),
                     scales.size(), axis);
}

Fault fault_of_tensor(const TfliteTensor& tensor) {
  const auto count = element_count(tensor.shape);
  const auto largest = std::numeric_limits<std::int32_t>::max();
  const bool sizes_fit =
      std::ranges::all_of(tensor.shape, [&](std::int64_t size) { return size >= 0 && size <= largest; });
  if (!count || !sizes_fit) {
    return fmt::format("tensor '{}' has the impossible shape {}", tensor.name, to_string(tensor.shape));
  }
  if (tensor.constant) {
    // A division, as a count may be so large that its bytes don't fit 64 bits.
    const std::size_t bytes = tensor.constant->size(), size = size_of(tensor.dtype);
    if (bytes % size != 0 || bytes / size != static_cast<std::uint64_t>(*count)) {
      return fmt::format("constant '{}' of {}{} holds {} bytes", tensor.name, name_of(tensor.dtype),
                         to_string(tensor.shape), bytes);
    }
  }
  return fault_of_quantization(tensor);
}

/// Walks the graph in execution order, noting what has been written.
class Walk {
 public:
  explicit Walk(const TfliteGraph& graph) : graph_(graph), written_(graph.value_count(), false) {}

  Fault run() {
    for (const TensorId id : graph_.inputs()) {
      if (graph_.is_constant(id)) return fmt::format("input '{}' is a constant", graph_[id].name);
      if (Fault fault = write(id)) return fault;
    }
    for (const OperatorId id : graph_.nodes()) {
      if (Fault fault = step(graph_[id])) return fault;
    }
    for (const TensorId id : graph_.outputs()) {
      if (!is_available(id)) return fmt::format("output '{}' is never computed", graph_[id].name);
    }
    return std::nullopt;
  }

 private:
  Fault write(TensorId id) {
    const TfliteTensor& tensor = graph_[id];
    if (written_[id.index]) return fmt::format("tensor '{}' is written twice", tensor.name);
    if (tensor.constant) return fmt::format("constant '{}' is also computed", tensor.name);
    written_[id.index] = true;
    return fault_of_tensor(tensor);
  }
  bool is_available(TensorId id) const { return written_[id.index] || graph_.is_constant(id); }

  Fault step(const TfliteOperator& op) {
    for (const TensorId input : op.inputs) {
      if (!input.exists()) continue;
      const TfliteTensor& tensor = graph_[input];
      if (!is_available(input)) {
        return fmt::format("{} reads '{}' before it is written", name_of(op.options), tensor.name);
      }
      if (tensor.constant && !written_[input.index]) {
        written_[input.index] = true;  // a constant that many read is looked at once
        if (Fault fault = fault_of_tensor(tensor)) return fault;
      }
    }
    for (const TensorId output : op.outputs) {
      if (!output.exists()) return fmt::format("{} lacks an output", name_of(op.options));
      if (Fault fault = write(output)) return fault;
    }
    return std::nullopt;
  }

  const TfliteGraph& graph_;
  std::vector<bool> written_;
};

Fault fault_of_names(std::string_view kind, std::size_t count, const std::vector<std::string>& names) {
  if (names.empty()) return std::nullopt;
  if (names.size() != count) return fmt::format("{} names for {} {}s", names.size(), count, kind);
  const std::set<std::string_view> distinct(names.begin(), names.end());
  if (distinct.size() != names.size() || distinct.contains("")) {
    return fmt::format("the names of the {}s are not distinct, or one is empty", kind);
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::string> first_structural_fault(const TfliteGraph& graph) {
  if (Fault fault = fault_of_names("input", graph.inputs().size(), graph.input_names)) return fault;
  if (Fault fault = fault_of_names("output", graph.outputs().size(), graph.output_names)) return fault;
  return Walk(graph).run();
}

}  // namespace calib8
