#include "ops/verify.h"

#include <fmt/format.h>

#include <limits>

#include "calib8/error.h"
#include "ops/tflite_op.h"
#include "tflite_graph/describe.h"

namespace calib8 {
namespace {

/// Kernels count elements in 32 bits.
constexpr std::int64_t most_elements = std::numeric_limits<std::int32_t>::max();

void require_inputs(const OperatorView& view, const TfliteOp& row) {
  const std::size_t count = view.op.inputs.size();
  if (count < row.inputs.fewest || count > row.inputs.most) {
    view.fail(fmt::format("has {} inputs", count));
  }
  for (std::size_t i = 0; i < count; ++i) {
    if (!view.has_input(i) && (i < row.inputs.fewest || row.inputs.most == InputCount::any)) {
      view.fail(fmt::format("lacks its input {}", i));
    }
  }
}

/// A tensor that is computed: it must have elements, and no more than kernels can count.
std::optional<std::string> fault_of_size(const TensorType& type) {
  const auto count = element_count(type.shape);
  if (count == 0) return "has no elements";
  for (const std::int64_t size : type.shape) {
    if (size < 0 || size > most_elements) return "has an impossible size";
  }
  if (!count || *count > most_elements) return "has more elements than LiteRT can count";
  return std::nullopt;
}

std::string text_of(const TensorType& type) {
  return fmt::format("{}{}", name_of(type.dtype), to_string(type.shape));
}

void require_declared(const OperatorView& view, std::size_t position, const TensorType& inferred) {
  const TfliteTensor& output = view.graph[view.op.outputs[position]];
  const std::string subject =
      view.op.outputs.size() == 1 ? "its output" : fmt::format("its output '{}'", output.name);
  const TensorType declared{output.dtype, output.shape};
  if (declared != inferred) {
    view.fail(fmt::format("{} is declared {}, but its operands and options make {}", subject,
                          text_of(declared), text_of(inferred)));
  }
  if (const auto fault = fault_of_size(inferred)) {
    view.fail(fmt::format("{} of shape {} {}", subject, to_string(inferred.shape), *fault));
  }
}

/// Fails with ErrorCode::model where the operator is not sound.
void check(const OperatorView& view) {
  const TfliteOp& row = tflite_op(view.op.options);
  require_inputs(view, row);
  if (view.op.outputs.empty()) view.fail("has no outputs");
  const std::vector<TensorType> inferred = row.infer(view);
  if (view.op.outputs.size() != inferred.size()) {
    view.fail(fmt::format("has {} outputs; its options make {}", view.op.outputs.size(), inferred.size()));
  }
  for (std::size_t i = 0; i < inferred.size(); ++i) require_declared(view, i, inferred[i]);
}

}  // namespace

std::optional<std::string> first_fault(const TfliteGraph& graph) {
  if (auto fault = first_structural_fault(graph)) return fault;
  for (const TensorId id : graph.inputs()) {
    const TfliteTensor& input = graph[id];
    if (const auto fault = fault_of_size({input.dtype, input.shape})) {
      return fmt::format("input '{}' of shape {} {}", input.name, to_string(input.shape), *fault);
    }
  }
  for (const OperatorId id : graph.nodes()) {
    try {
      check({graph, graph[id]});
    } catch (const Error& error) {
      return error.message();
    }
  }
  return std::nullopt;
}

void verify(const TfliteGraph& graph, std::string_view stage) {
  if (const auto fault = first_fault(graph)) {
    throw Error(ErrorCode::internal, *fault, "TFLite graph after " + std::string(stage));
  }
}

}  // namespace calib8
