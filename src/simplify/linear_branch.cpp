#include "simplify/linear_branch.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "simplify/linear_layer.h"

namespace calib8 {
namespace {

using Integers = std::vector<std::int64_t>;

/// Padding, strides and dilations of a node with windows; nothing where they are chosen at run time.
bool read_window(const OnnxNode& node, std::size_t axes, LinearBranch& branch) {
  if (node.get_string("auto_pad", "NOTSET") != "NOTSET") return false;
  const Integers pads = node.get_ints("pads", Integers(2 * axes, 0));
  branch.strides = node.get_ints("strides", Integers(axes, 1));
  branch.dilations = node.get_ints("dilations", Integers(axes, 1));
  if (pads.size() != 2 * axes || branch.strides.size() != axes || branch.dilations.size() != axes)
    return false;
  branch.begins.assign(pads.begin(), pads.begin() + static_cast<std::ptrdiff_t>(axes));
  branch.ends.assign(pads.begin() + static_cast<std::ptrdiff_t>(axes), pads.end());
  return true;
}

std::optional<LinearBranch> convolution(const OnnxGraph& graph, OnnxNodeId id, LinearBranch branch) {
  const OnnxNode& node = graph[id];
  if (!is_linear_layer(graph, id)) return std::nullopt;
  const Tensor& weights = *graph.constant_input(node, 1);
  if (weights.shape.size() < 3 || !read_window(node, weights.shape.size() - 2, branch)) return std::nullopt;
  branch.groups = node.get_int("group", 1);
  branch.outputs = weights.shape[0];
  branch.depth = weights.shape[1];
  branch.kernel.assign(weights.shape.begin() + 2, weights.shape.end());
  const auto values = weights.as<float>();
  branch.weights.assign(values.begin(), values.end());
  branch.bias.assign(static_cast<std::size_t>(branch.outputs), 0.0);
  if (const Tensor* bias = graph.constant_input(node, 2)) {
    const auto shifts = bias->as<float>();
    branch.bias.assign(shifts.begin(), shifts.end());
  }
  return branch;
}

/// Fills in the shape of an operator that treats each channel by itself.
bool each_channel(const OnnxGraph& graph, LinearBranch& branch) {
  const auto& type = graph[branch.input].type;
  if (!type || type->dtype != DType::float32 || !type->has_rank() || type->shape->size() < 3) return false;
  const Dimension& channels = (*type->shape)[1];
  if (!channels.is_known() || channels.size < 1) return false;
  const std::size_t axes = type->shape->size() - 2;
  branch.groups = branch.outputs = channels.size;
  branch.depth = 1;
  branch.kernel = branch.strides = branch.dilations = Integers(axes, 1);
  branch.begins = branch.ends = Integers(axes, 0);
  branch.bias.assign(static_cast<std::size_t>(channels.size), 0.0);
  return true;
}

std::optional<LinearBranch> batch_norm(const OnnxGraph& graph, const OnnxNode& node, LinearBranch branch) {
  if (node.get_int("training_mode", 0) != 0 || node.inputs.size() != 5 || !each_channel(graph, branch))
    return std::nullopt;
  std::vector<float> parameters[4];  // gamma, beta, mean, variance
  for (std::size_t i = 0; i < 4; ++i) {
    const Tensor* constant = graph.constant_input(node, i + 1);
    if (!constant || constant->count() != branch.outputs) return std::nullopt;
    parameters[i] = to_float(*constant);
  }
  const auto& [gamma, beta, mean, variance] = parameters;
  const double epsilon = node.get_float("epsilon", 1e-5f);
  for (std::size_t c = 0; c < branch.bias.size(); ++c) {
    branch.weights.push_back(gamma[c] / std::sqrt(static_cast<double>(variance[c]) + epsilon));
    branch.bias[c] = beta[c] - mean[c] * branch.weights[c];
  }
  return branch;
}

std::optional<LinearBranch> average_pool(const OnnxGraph& graph, const OnnxNode& node, LinearBranch branch) {
  if (!each_channel(graph, branch) || !read_window(node, branch.kernel.size(), branch)) return std::nullopt;
  const Integers kernel = node.get_ints("kernel_shape", {});
  const bool has_padding = std::ranges::any_of(branch.begins, std::identity{}) ||
                           std::ranges::any_of(branch.ends, std::identity{});
  if (kernel.size() != branch.kernel.size() || node.get_int("ceil_mode", 0) != 0 ||
      (has_padding && node.get_int("count_include_pad", 0) == 0))
    return std::nullopt;
  branch.kernel = kernel;
  const std::size_t taps = branch.taps();
  branch.weights.assign(taps * branch.bias.size(), 1.0 / static_cast<double>(taps));
  return branch;
}

/// Where the taps of one branch lie in a window, axis by axis.
struct Placement {
  Integers offsets;
};

/// The window that holds those of both.
std::optional<std::pair<Placement, Placement>> unite(const LinearBranch& a, const LinearBranch& b,
                                                     LinearBranch& sum) {
  std::pair<Placement, Placement> places;
  for (std::size_t axis = 0; axis < a.kernel.size(); ++axis) {
    // A single point has no dilation.
    const std::int64_t dilation = a.kernel[axis] == 1 ? b.dilations[axis] : a.dilations[axis];
    if (b.kernel[axis] != 1 && b.dilations[axis] != dilation) return std::nullopt;
    const std::int64_t begin = std::max(a.begins[axis], b.begins[axis]);
    const std::int64_t from_a = begin - a.begins[axis], from_b = begin - b.begins[axis];
    if (from_a % dilation != 0 || from_b % dilation != 0) return std::nullopt;
    places.first.offsets.push_back(from_a / dilation);
    places.second.offsets.push_back(from_b / dilation);
    const std::int64_t taps_a = from_a / dilation + a.kernel[axis],
                       taps_b = from_b / dilation + b.kernel[axis];
    const std::int64_t taps = std::max(taps_a, taps_b);
    const std::int64_t end = a.ends[axis] + (taps - taps_a) * dilation;
    if (end != b.ends[axis] + (taps - taps_b) * dilation) return std::nullopt;
    sum.kernel.push_back(taps);
    sum.dilations.push_back(dilation);
    sum.begins.push_back(begin);
    sum.ends.push_back(end);
  }
  return places;
}

/// Adds sign * the part's weights at their places in the sum.
void add(LinearBranch& sum, const LinearBranch& part, const Placement& place, double sign) {
  const std::size_t taps = part.taps(), all_taps = sum.taps();
  std::vector<std::size_t> positions(taps);  // of each tap in the sum's window
  for (std::size_t tap = 0; tap < taps; ++tap) {
    std::size_t rest = tap, step = 1;
    for (std::size_t axis = part.kernel.size(); axis-- > 0;) {
      const auto size = static_cast<std::size_t>(part.kernel[axis]);
      positions[tap] += step * (rest % size + static_cast<std::size_t>(place.offsets[axis]));
      rest /= size;
      step *= static_cast<std::size_t>(sum.kernel[axis]);
    }
  }
  const std::int64_t per_group = part.outputs / part.groups, per_sum_group = sum.outputs / sum.groups;
  for (std::int64_t o = 0; o < part.outputs; ++o) {
    const std::int64_t first = o / per_group * part.depth - o / per_sum_group * sum.depth;
    for (std::int64_t i = 0; i < part.depth; ++i) {
      const auto from = static_cast<std::size_t>(o * part.depth + i) * taps;
      const auto to = static_cast<std::size_t>(o * sum.depth + first + i) * all_taps;
      for (std::size_t tap = 0; tap < taps; ++tap)
        sum.weights[to + positions[tap]] += sign * part.weights[from + tap];
    }
  }
  for (std::size_t o = 0; o < sum.bias.size(); ++o) sum.bias[o] += sign * part.bias[o];
}

bool is_point(const LinearBranch& branch) {
  const auto are = [](const Integers& list, std::int64_t value) {
    return std::ranges::all_of(list, [&](std::int64_t each) { return each == value; });
  };
  return are(branch.kernel, 1) && are(branch.strides, 1) && are(branch.begins, 0) && are(branch.ends, 0);
}

}  // namespace

std::size_t LinearBranch::taps() const {
  return static_cast<std::size_t>(
      std::accumulate(kernel.begin(), kernel.end(), std::int64_t{1}, std::multiplies<>()));
}

std::optional<LinearBranch> branch_of(const OnnxGraph& graph, OnnxNodeId id) {
  if (!id.exists()) return std::nullopt;
  const OnnxNode& node = graph[id];
  if (node.outputs.size() != 1 || node.inputs.empty() || !node.inputs[0].exists()) return std::nullopt;
  LinearBranch branch;
  branch.input = node.inputs[0];
  branch.node = id;
  if (node.op_type == "Conv") return convolution(graph, id, std::move(branch));
  if (node.op_type == "BatchNormalization") return batch_norm(graph, node, std::move(branch));
  if (node.op_type == "AveragePool") return average_pool(graph, node, std::move(branch));
  return std::nullopt;
}

bool has_one_reader(const OnnxGraph& graph, OnnxNodeId node) {
  return node.exists() && graph[node].outputs.size() == 1 && graph.has_single_use(graph[node].outputs[0]);
}

LinearBranch identity_beside(const LinearBranch& beside) {
  LinearBranch branch;
  const std::size_t axes = beside.kernel.size();
  branch.input = beside.input;
  branch.groups = branch.outputs = beside.inputs();
  branch.depth = 1;
  branch.kernel = branch.strides = branch.dilations = Integers(axes, 1);
  branch.begins = branch.ends = Integers(axes, 0);
  branch.weights.assign(static_cast<std::size_t>(branch.outputs), 1.0);
  branch.bias.assign(static_cast<std::size_t>(branch.outputs), 0.0);
  return branch;
}

std::optional<LinearBranch> sum_of(const LinearBranch& a, const LinearBranch& b, double sign) {
  if (a.outputs != b.outputs || a.inputs() != b.inputs() || a.strides != b.strides ||
      a.kernel.size() != b.kernel.size())
    return std::nullopt;
  LinearBranch sum;
  sum.input = a.input;
  sum.groups = std::gcd(a.groups, b.groups);
  sum.strides = a.strides;
  sum.outputs = a.outputs;
  sum.depth = a.inputs() / sum.groups;
  const auto places = unite(a, b, sum);
  if (!places) return std::nullopt;
  sum.weights.assign(static_cast<std::size_t>(sum.outputs * sum.depth) * sum.taps(), 0.0);
  sum.bias.assign(static_cast<std::size_t>(sum.outputs), 0.0);
  add(sum, a, places->first, 1);
  add(sum, b, places->second, sign);
  return sum;
}

std::optional<LinearBranch> chain_of(const LinearBranch& first, const LinearBranch& second) {
  if (first.groups != 1 || second.groups != 1 || first.outputs != second.depth) return std::nullopt;
  const bool has_bias = std::ranges::any_of(first.bias, std::identity{});
  const bool has_padding = std::ranges::any_of(second.begins, std::identity{}) ||
                           std::ranges::any_of(second.ends, std::identity{});
  if (!is_point(second) && (!is_point(first) || (has_bias && has_padding))) return std::nullopt;
  LinearBranch chain = is_point(second) ? first : second;
  chain.input = first.input;
  chain.outputs = second.outputs;
  chain.depth = first.depth;
  const std::size_t taps = chain.taps(), taps_of_first = first.taps(), taps_of_second = second.taps();
  const auto outputs = static_cast<std::size_t>(second.outputs),
             middle = static_cast<std::size_t>(second.depth), inputs = static_cast<std::size_t>(first.depth);
  chain.weights.assign(outputs * inputs * taps, 0.0);
  chain.bias = second.bias;
  for (std::size_t o = 0; o < outputs; ++o) {
    for (std::size_t m = 0; m < middle; ++m) {
      for (std::size_t tap = 0; tap < taps; ++tap) {
        const double weight =
            second.weights[(o * middle + m) * taps_of_second + (taps_of_second == 1 ? 0 : tap)];
        for (std::size_t i = 0; i < inputs; ++i)
          chain.weights[(o * inputs + i) * taps + tap] +=
              weight * first.weights[(m * inputs + i) * taps_of_first + (taps_of_first == 1 ? 0 : tap)];
      }
      for (std::size_t tap = 0; tap < taps_of_second; ++tap)
        chain.bias[o] += second.weights[(o * middle + m) * taps_of_second + tap] * first.bias[m];
    }
  }
  return chain;
}

void become_convolution(OnnxGraph& graph, OnnxNodeId id, const LinearBranch& branch) {
  const std::string name = graph[graph[id].outputs[0]].name;
  Shape shape{branch.outputs, branch.depth};
  shape.insert(shape.end(), branch.kernel.begin(), branch.kernel.end());
  const auto constant = [&](const char* ending, const Shape& sizes, const std::vector<double>& values) {
    return graph.add_constant(graph.free_name(name + ending),
                              make_tensor(sizes, std::vector<float>(values.begin(), values.end())));
  };
  const OnnxValueId weights = constant(".weight", shape, branch.weights);
  const OnnxValueId bias = constant(".bias", {branch.outputs}, branch.bias);
  Integers pads = branch.begins;
  pads.insert(pads.end(), branch.ends.begin(), branch.ends.end());
  OnnxNode& node = graph[id];
  node.op_type = "Conv";
  node.attributes = {{"group", branch.groups},
                     {"kernel_shape", branch.kernel},
                     {"pads", pads},
                     {"strides", branch.strides},
                     {"dilations", branch.dilations}};
  graph.set_inputs_of(id, {branch.input, weights, bias});
}

}  // namespace calib8
