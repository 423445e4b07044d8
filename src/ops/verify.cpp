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

void require_dimensions(const OperatorView& view, const TfliteOp& row, std::size_t count) {
  if (count <= row.most_dimensions) return;
  view.fail(fmt::format("of {} dimensions; LiteRT takes {} at most there", count, row.most_dimensions));
}

/// The name of an output in an error.
std::string subject(const OperatorView& view, std::size_t position) {
  if (view.op.outputs.size() == 1) return "its output";
  return fmt::format("its output '{}'", view.graph[view.op.outputs[position]].name);
}

/// What the operator makes. Fails with ErrorCode::model where LiteRT can't be given it.
std::vector<TensorType> infer(const OperatorView& view) {
  const TfliteOp& row = tflite_op(view.op.options);
  require_inputs(view, row);
  if (view.op.outputs.empty()) view.fail("has no outputs");
  for (const TensorId input : view.op.inputs) {
    if (input.exists()) require_dimensions(view, row, view.graph[input].shape.size());
  }
  std::vector<TensorType> inferred = row.infer(view);
  if (view.op.outputs.size() != inferred.size()) {
    view.fail(fmt::format("has {} outputs; its options make {}", view.op.outputs.size(), inferred.size()));
  }
  for (std::size_t i = 0; i < inferred.size(); ++i) {
    require_dimensions(view, row, inferred[i].shape.size());
    if (const auto fault = fault_of_size(inferred[i])) {
      view.fail(fmt::format("{} of shape {} {}", subject(view, i), to_string(inferred[i].shape), *fault));
    }
  }
  return inferred;
}

/// Fails with ErrorCode::model where the outputs aren't declared as what the operator makes.
void require_declared(const OperatorView& view, const std::vector<TensorType>& inferred) {
  for (std::size_t i = 0; i < inferred.size(); ++i) {
    const TfliteTensor& output = view.graph[view.op.outputs[i]];
    const TensorType declared{output.dtype, output.shape};
    if (declared == inferred[i]) continue;
    view.fail(fmt::format("{} is declared {}, but its operands and options make {}", subject(view, i),
                          text_of(declared), text_of(inferred[i])));
  }
}

/// The message of the ErrorCode::model that `check` ends with.
template <class Check>
std::optional<std::string> message_of(Check check) {
  try {
    check();
  } catch (const Error& error) {
    if (error.code() != ErrorCode::model) throw;
    return error.message();
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::string> first_fault(const TfliteGraph& graph) {
  if (auto fault = first_structural_fault(graph)) return fault;
  for (const TensorId id : graph.inputs()) {
    if (auto refusal = refusal_of(graph[id])) return "input " + *refusal;
  }
  for (const OperatorId id : graph.nodes()) {
    const OperatorView view{graph, graph[id]};
    if (auto fault = message_of([&] { require_declared(view, infer(view)); })) return fault;
  }
  return std::nullopt;
}

std::optional<std::string> refusal_of(const TfliteTensor& tensor) {
  const auto fault = fault_of_size({tensor.dtype, tensor.shape});
  if (!fault) return std::nullopt;
  return fmt::format("'{}' of shape {} {}", tensor.name, to_string(tensor.shape), *fault);
}

std::optional<std::string> refusal_of(const TfliteGraph& graph, OperatorId id) {
  return message_of([&] { infer({graph, graph[id]}); });
}

void verify(const TfliteGraph& graph, std::string_view stage) {
  if (const auto fault = first_fault(graph)) {
    throw Error(ErrorCode::internal, *fault, "TFLite graph after " + std::string(stage));
  }
}

}  // namespace calib8
