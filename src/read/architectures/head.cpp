#include "read/architectures/head.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>

namespace calib8 {
namespace {

constexpr std::array<std::string_view, 9> kActivations = {
    "relu", "gelu", "silu", "hardswish", "tanh", "elu", "leaky_relu", "sigmoid", "none"};
constexpr int most_modules = 10'000;
/// nn.BatchNorm1d's default.
constexpr float kEpsilon = 1e-5f;

/// A module's parameters by their last name.
struct Module {
  std::string name;
  std::map<std::string, const Tensor*, std::less<>> parameters;

  const Tensor* find(std::string_view parameter) const {
    const auto found = parameters.find(parameter);
    return found == parameters.end() ? nullptr : found->second;
  }
};

/// The modules that hold tensors beyond the features, in the order in which they were saved.
std::vector<Module> modules_beyond(const StateDict& tensors,
                                   const std::set<std::string, std::less<>>& features) {
  std::vector<Module> modules;
  for (const NamedTensor& entry : tensors) {
    if (features.contains(entry.name) || entry.name.ends_with("num_batches_tracked")) continue;
    const std::size_t dot = entry.name.rfind('.');
    const std::string module = dot == std::string::npos ? "" : entry.name.substr(0, dot);
    auto known = std::ranges::find(modules, module, &Module::name);
    if (known == modules.end()) known = modules.insert(modules.end(), {module, {}});
    known->parameters.emplace(entry.name.substr(dot == std::string::npos ? 0 : dot + 1), &entry.tensor);
  }
  return modules;
}

std::optional<HeadLayer> layer_of(const Module& module) {
  const Tensor* weight = module.find("weight");
  if (!weight || module.name.empty()) return std::nullopt;
  HeadLayer layer;
  layer.module = module.name;
  layer.bias = module.find("bias") != nullptr;
  const std::size_t expected = layer.bias ? 2 : 1;
  if (weight->shape.size() == 2 && module.parameters.size() == expected) {
    layer.in_features = weight->shape[1];
    layer.out_features = weight->shape[0];
    return layer;
  }
  const bool norm = weight->shape.size() == 1 && layer.bias && module.find("running_mean") &&
                    module.find("running_var") && module.parameters.size() == 4;
  if (!norm) return std::nullopt;
  layer.kind = HeadLayer::Kind::batch_norm;
  layer.in_features = layer.out_features = weight->shape[0];
  return layer;
}

/// The dotted parts that all names begin with, of a name alone all but its last.
std::string common_root(const std::vector<HeadLayer>& layers) {
  std::string root = layers.front().module.substr(0, layers.front().module.rfind('.') + 1);
  for (const HeadLayer& layer : layers) {
    while (!layer.module.starts_with(root)) root.resize(root.rfind('.', root.size() - 2) + 1);
  }
  return root;
}

/// The numbers behind the root, "6.0" for a module in a Sequential within one; none where there is something
/// else.
std::vector<int> numbers_behind(const std::string& name, std::size_t root) {
  std::vector<int> numbers;
  const char* at = name.data() + root;
  const char* end = name.data() + name.size();
  while (true) {
    int number = 0;
    const auto [stop, error] = std::from_chars(at, end, number);
    if (error != std::errc() || number < 0 || number > most_modules) return {};
    numbers.push_back(number);
    if (stop == end) return numbers;
    if (*stop != '.') return {};
    at = stop + 1;
  }
}

/// How many modules without weights run between two, in the order of their numbers; negative where that isn't
/// known: they are in another order, or an inner Sequential ends, which may hold more than has weights.
int modules_between(const std::vector<int>& before, const std::vector<int>& here) {
  std::size_t same = 0;
  while (same < before.size() && same < here.size() && before[same] == here[same]) ++same;
  if (same + 1 != before.size() || same == here.size()) return -1;
  int between = here[same] - before[same] - 1;
  for (std::size_t i = same + 1; i < here.size(); ++i) between += here[i];
  return between;
}

/// Where activations run; false where that can't be known.
bool place_activations(std::vector<HeadLayer>& layers, bool activation_known) {
  constexpr int most_modules_between = 2;  // an activation and a dropout
  const std::size_t root = common_root(layers).size();
  for (std::size_t i = 1; i < layers.size(); ++i) {
    const std::vector<int> before = numbers_behind(layers[i - 1].module, root),
                           here = numbers_behind(layers[i].module, root);
    if (before.empty() || here.empty()) {
      if (!activation_known) return false;
      layers[i].activation_before = layers[i].kind == HeadLayer::Kind::linear;
      continue;
    }
    const int between = modules_between(before, here);
    const int most = most_modules_between + (here.size() > before.size() ? 1 : 0);  // another dropout
    if ((between < 0 || between > most) && !activation_known) return false;
    layers[i].activation_before = between > 0 || (between < 0 && layers[i].kind == HeadLayer::Kind::linear);
  }
  return true;
}

OnnxValueId activate(ModuleBuilder& build, OnnxValueId x, const std::string& name,
                     std::string_view activation) {
  if (activation == "relu") return build.relu(x, name);
  if (activation == "silu") return build.silu(x, name);
  if (activation == "hardswish") return build.hard_swish(x, name);
  if (activation == "sigmoid") return build.sigmoid(x, name);
  OnnxEmitter& emitter = build.emitter();
  if (activation == "gelu") return emitter.emit("Gelu", name, {x});
  if (activation == "tanh") return emitter.emit("Tanh", name, {x});
  if (activation == "elu") return emitter.emit("Elu", name, {x}, {{"alpha", 1.0f}});
  if (activation == "leaky_relu") return emitter.emit("LeakyRelu", name, {x}, {{"alpha", 0.01f}});
  return x;
}

}  // namespace

bool is_head_activation(std::string_view word) {
  return std::ranges::find(kActivations, word) != kActivations.end();
}

std::optional<Head> find_head(const StateDict& tensors, const std::set<std::string, std::less<>>& features,
                              std::int64_t in_features, bool activation_known) {
  Head head;
  for (const Module& module : modules_beyond(tensors, features)) {
    std::optional<HeadLayer> layer = layer_of(module);
    if (!layer || layer->in_features != in_features) return std::nullopt;
    in_features = layer->out_features;
    head.layers.push_back(*std::move(layer));
  }
  if (head.layers.empty() || head.layers.back().kind != HeadLayer::Kind::linear) return std::nullopt;
  if (!place_activations(head.layers, activation_known)) return std::nullopt;
  const std::string root = common_root(head.layers);
  head.name = root.empty() ? head.layers.front().module : root.substr(0, root.size() - 1);
  return head;
}

OnnxValueId build_head(ModuleBuilder& build, Features input, const Head& head, std::string_view activation) {
  build.leave_prefix();
  OnnxValueId x = input.value;
  for (const HeadLayer& layer : head.layers) {
    if (layer.activation_before)
      x = activate(build, x, layer.module + "." + std::string(activation), activation);
    x = layer.kind == HeadLayer::Kind::linear
            ? build.linear(x, layer.module, layer.in_features, layer.out_features, layer.bias)
            : build.batch_norm(x, layer.module, layer.out_features, kEpsilon);
  }
  return x;
}

std::string describe(const Head& head) {
  std::string text = head.name + ": " + std::to_string(head.layers.front().in_features);
  for (const HeadLayer& layer : head.layers) {
    if (layer.kind == HeadLayer::Kind::linear) text += "-" + std::to_string(layer.out_features);
  }
  return text;
}

}  // namespace calib8
