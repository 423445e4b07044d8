#include "optimize/activation_memory.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <vector>

#include "calib8/error.h"

namespace calib8 {
namespace {

constexpr std::int64_t most_elements = std::int64_t{1} << 28;
constexpr std::int64_t most_bytes = std::int64_t{4} << 30;

std::int64_t bytes_of(const TfliteTensor& tensor) {
  return element_count(tensor.shape).value_or(0) * static_cast<std::int64_t>(size_of(tensor.dtype));
}

double gibibytes(std::int64_t bytes) {
  return static_cast<double>(bytes) / static_cast<double>(std::int64_t{1} << 30);
}

}  // namespace

std::int64_t peak_activation_bytes(const TfliteGraph& graph) {
  const std::vector<OperatorId> order = graph.nodes();
  std::vector<std::size_t> last_use(graph.value_count(), 0);
  for (std::size_t step = 0; step < order.size(); ++step) {
    for (const TensorId input : graph[order[step]].inputs) {
      if (input.exists()) last_use[input.index] = step;
    }
  }
  const auto stays = [&](TensorId id) {
    return graph.is_constant(id) || graph.is_input(id) || graph.is_output(id);
  };
  std::int64_t alive = 0, peak = 0;
  for (const TensorId input : graph.inputs()) alive += bytes_of(graph[input]);
  for (std::size_t step = 0; step < order.size(); ++step) {
    const TfliteOperator& op = graph[order[step]];
    for (const TensorId output : op.outputs) alive += bytes_of(graph[output]);
    peak = std::max(peak, alive);
    std::vector<TensorId> dying;
    for (const TensorId input : op.inputs) {
      if (input.exists() && !stays(input) && last_use[input.index] == step) dying.push_back(input);
    }
    for (const TensorId output : op.outputs) {
      if (graph.users(output).empty() && !stays(output)) dying.push_back(output);
    }
    std::sort(dying.begin(), dying.end());
    dying.erase(std::unique(dying.begin(), dying.end()), dying.end());
    for (const TensorId gone : dying) alive -= bytes_of(graph[gone]);
  }
  return peak;
}

void require_runnable(const TfliteGraph& graph) {
  for (const OperatorId id : graph.nodes()) {
    for (const TensorId output : graph[id].outputs) {
      const TfliteTensor& tensor = graph[output];
      if (element_count(tensor.shape).value_or(most_elements + 1) <= most_elements) continue;
      throw Error(
          ErrorCode::model,
          fmt::format(
              "{} '{}' makes a tensor of shape {}; calib8 runs models whose activations have up to {} "
              "elements (--quantize none converts without running)",
              name_of(graph[id].options), tensor.name, to_string(tensor.shape), most_elements));
    }
  }
  const std::int64_t peak = peak_activation_bytes(graph);
  if (peak <= most_bytes) return;
  throw Error(ErrorCode::model,
              fmt::format("its activations take {:.1f} GiB at once; calib8 runs models of up to {:.0f} GiB "
                          "(--quantize none converts without running)",
                          gibibytes(peak), gibibytes(most_bytes)));
}

}  // namespace calib8
