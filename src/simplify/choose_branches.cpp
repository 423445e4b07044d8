#include <algorithm>
#include <set>

#include "calib8/error.h"
#include "simplify/passes.h"

// %holds: bool[] const
//   Squeeze(%x) -> %then
//   Identity(%x) -> %else
//   If(%holds, %then, %else) -> %y -> Relu        =>   Squeeze(%x) -> %then -> Relu
//
// The other branch goes as soon as the condition is known, before anybody asks for its types: what it
// computes need not even be possible. The If itself goes when its own types are known.

namespace calib8 {
namespace {

bool is_unread(const OnnxGraph& graph, OnnxNodeId node) {
  const std::vector<OnnxValueId>& outputs = graph[node].outputs;
  return std::all_of(outputs.begin(), outputs.end(), [&](OnnxValueId output) {
    return !output.exists() || (graph.users(output).empty() && !graph.is_output(output));
  });
}

/// Removes what computes these values for nobody.
void remove_unread(OnnxGraph& graph, std::vector<OnnxValueId> values) {
  while (!values.empty()) {
    const OnnxNodeId producer = values.back().exists() ? graph.producer(values.back()) : OnnxNodeId{};
    values.pop_back();
    if (!producer.exists() || !is_unread(graph, producer)) continue;
    const std::vector<OnnxValueId> inputs = graph[producer].inputs;
    graph.remove(producer);
    values.insert(values.end(), inputs.begin(), inputs.end());
  }
}

/// Whatever the If gives is what the branch that it takes gives.
void take_branch(OnnxGraph& graph, OnnxNodeId id, bool holds) {
  const std::vector<OnnxValueId> inputs = graph[id].inputs;
  const auto count = static_cast<std::ptrdiff_t>(graph[id].outputs.size());
  const auto first = inputs.begin() + (holds ? 1 : 1 + count);
  std::vector<OnnxValueId> taken{inputs[0]};
  for (int branch = 0; branch < 2; ++branch) taken.insert(taken.end(), first, first + count);
  graph.set_inputs_of(id, taken);
  remove_unread(graph, inputs);
}

/// What somebody could fix for the condition to be known: "--input rate=VALUE".
std::string ways_to_fix(const OnnxGraph& graph, OnnxValueId condition) {
  std::set<std::string> ways;
  std::set<OnnxValueId> seen{condition};
  std::vector<OnnxValueId> values{condition};
  if (graph.is_input(condition)) ways.insert("--input " + graph[condition].name + "=VALUE");
  while (!values.empty()) {
    const OnnxNodeId producer = graph.producer(values.back());
    values.pop_back();
    if (!producer.exists()) continue;
    const std::string& op = graph[producer].op_type;
    for (const OnnxValueId input : graph[producer].inputs) {
      if (!input.exists() || !seen.insert(input).second) continue;
      values.push_back(input);
      if (!graph.is_input(input)) continue;
      const bool asks_for_sizes = op == "Shape" || op == "Size";
      ways.insert((asks_for_sizes ? "--input-shape " : "--input ") + graph[input].name +
                  (asks_for_sizes ? "=SIZES" : "=VALUE"));
    }
  }
  constexpr std::size_t most_shown = 4;
  std::string text;
  std::size_t shown = 0;
  for (const std::string& way : ways) {
    if (shown++ == most_shown) break;
    text += (text.empty() ? "" : ", ") + way;
  }
  return text;
}

[[noreturn]] void refuse(const OnnxGraph& graph, OnnxNodeId id, OnnxValueId condition) {
  const std::string ways = ways_to_fix(graph, condition);
  throw Error(ErrorCode::model,
              "which branch it takes ('" + graph[condition].name + "') isn't known before the model runs" +
                  (ways.empty() ? "" : "; it may be once inputs are fixed: " + ways),
              "If '" + graph[id].name + "'");
}

/// The bool that the condition is.
bool holds(const Tensor& condition, const std::string& name) {
  if (condition.dtype != DType::boolean || condition.count() != 1)
    throw Error(ErrorCode::model, "its condition is not one bool", "If '" + name + "'");
  return condition.as<bool>()[0];
}

}  // namespace

void take_branches(OnnxGraph& graph, OnnxValueId condition) {
  const std::vector<OnnxNodeId> readers = graph.users(condition);
  for (const OnnxNodeId id : readers) {
    // One in the branch that another one didn't take is gone.
    if (!graph.is_alive(id) || graph[id].op_type != "If" || graph[id].inputs[0] != condition) continue;
    if (graph[id].inputs.size() != 1 + 2 * graph[id].outputs.size())
      throw Error(ErrorCode::model, "its branches give another number of outputs",
                  "If '" + graph[id].name + "'");
    const std::optional<Tensor>& value = graph[condition].constant;
    if (!value) refuse(graph, id, condition);
    take_branch(graph, id, holds(*value, graph[id].name));
  }
}

bool replace_with_branch(OnnxGraph& graph, OnnxNodeId id) {
  if (graph[id].op_type != "If" || !graph[graph[id].inputs[0]].constant) return false;
  const std::vector<OnnxValueId> inputs = graph[id].inputs, outputs = graph[id].outputs;
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    if (!graph.is_output(outputs[i])) {
      graph.replace_uses(outputs[i], inputs[1 + i]);
      continue;
    }
    // It keeps its name.
    const std::string name = graph.free_name(graph[outputs[i]].name);
    graph.set_output(id, i, graph.add_value({name, graph[outputs[i]].type, std::nullopt}));
    graph.insert_before(id, {"Identity", graph[id].name, {inputs[1 + i]}, {outputs[i]}, {}});
  }
  graph.remove(id);
  return true;
}

}  // namespace calib8
