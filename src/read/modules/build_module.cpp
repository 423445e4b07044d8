#include "read/modules/build_module.h"

#include <algorithm>

#include "calib8/error.h"
#include "read/modules/forward_builder.h"
#include "read/modules/module_rows.h"

namespace calib8 {
namespace {

/// What is known on the way to the first layer that says what it takes.
struct Search {
  std::int64_t height, width;
  bool flattens = false;  ///< A Flatten stood before it.
};

std::int64_t size_at(const Tensor& tensor, std::size_t axis) {
  return axis < tensor.shape.size() ? tensor.shape[axis] : 0;
}

/// [1, channels, ...] for a layer of so many spatial dimensions.
ModuleInput channels_first(const PickledModule& layer, const Search& search, std::int64_t channels,
                           std::size_t dimensions) {
  if (dimensions == 2) return {{1, channels, search.height, search.width}};
  if (dimensions != 1)
    layer.fail(
        "takes volumes or video, whose size no file tells: export the model to ONNX with "
        "torch.onnx.export");
  if (search.height != 1)
    layer.fail(
        "takes a signal, whose length no file tells: name it with --input-size 1xLENGTH, or export the "
        "model to ONNX with torch.onnx.export");
  return {{1, channels, search.width}, false};
}

/// Features, or the image that a Flatten makes them of.
ModuleInput features(const PickledModule& layer, const Search& search, std::int64_t count) {
  if (!search.flattens) return {{1, count}, false};
  const std::int64_t pixels = search.height * search.width;
  if (count % pixels != 0)
    layer.fail("takes " + std::to_string(count) + " features, which no image of " +
               std::to_string(search.height) + "x" + std::to_string(search.width) +
               " has: name the size of training with --input-size");
  return {{1, count / pixels, search.height, search.width}};
}

std::optional<ModuleInput> input_of(const PickledModule& layer, Search& search) {
  const std::string name = layer.class_name();
  const std::string kind = name.substr(name.rfind('.') + 1);
  if (kind == "Flatten") search.flattens = true;
  const auto weight = layer.tensor("weight");
  if (kind.starts_with("ConvTranspose") && weight && weight->shape.size() > 2)
    return channels_first(layer, search, size_at(*weight, 0), weight->shape.size() - 2);
  if (kind.starts_with("Conv") && weight && weight->shape.size() > 2)
    return channels_first(layer, search, size_at(*weight, 1) * layer.integer("groups", 1),
                          weight->shape.size() - 2);
  if (kind == "Embedding") {
    if (search.height != 1)
      layer.fail(
          "takes numbers of words, whose count no file tells: name it with --input-size 1xLENGTH, or "
          "export the model to ONNX with torch.onnx.export");
    return ModuleInput{{1, search.width}, false, true};
  }
  if (kind == "Linear" && weight) return features(layer, search, size_at(*weight, 1));
  if (kind == "GroupNorm") return channels_first(layer, search, layer.integer("num_channels", 0), 2);
  if (kind == "BatchNorm1d" || kind == "LayerNorm") {
    if (weight) return features(layer, search, size_at(*weight, 0));
  } else if (kind.find("Norm2d") != std::string::npos && layer.has("num_features")) {
    return channels_first(layer, search, layer.integer("num_features", 0), 2);
  }
  return std::nullopt;
}

std::optional<ModuleInput> first_input(const PickledModule& module, Search& search) {
  if (auto input = input_of(module, search)) return input;
  for (const auto& [name, child] : module.children()) {
    if (auto input = first_input(*child, search)) return input;
  }
  return std::nullopt;
}

/// The module that gives out what the network gives out: the last one, in lists down to where lists end.
const PickledModule& last_layer(const PickledModule& module) {
  const PickledModule* last = &module;
  while (!last->children().empty() &&
         (last == &module || last->is_of("torch.nn.modules.container", "Sequential")))
    last = last->children().back().second;
  return *last;
}

std::string described(const PickledModule& layer) {
  const std::string name = layer.class_name(), kind = name.substr(name.rfind('.') + 1);
  return layer.place().empty() ? "a " + kind : layer.place() + ", a " + kind;
}

void set_outputs(ForwardBuilder& build, const PickledModule& root, Values values) {
  OnnxGraph& graph = build.emitter().graph();
  for (std::size_t i = 0; i < values.size(); ++i) {
    const OnnxNodeId producer = graph.producer(values[i]);
    const bool again = std::find(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(i),
                                 values[i]) != values.begin() + static_cast<std::ptrdiff_t>(i);
    if (!producer.exists() || again) values[i] = build.emit(root, "Identity", {values[i]});
    graph[values[i]].name = graph.free_name(values.size() == 1 ? "output" : "output" + std::to_string(i));
  }
  graph.set_outputs(std::move(values));
}

}  // namespace

ModuleInput find_module_input(const ModuleTree& tree, std::int64_t height, std::int64_t width) {
  Search search{height, width};
  const auto input = first_input(tree.root(), search);
  if (!input)
    tree.root().fail("has no layer that says what it takes: export the model to ONNX with torch.onnx.export");
  for (const std::int64_t size : input->shape) {
    if (size < 1 || size > 1 << 20)
      tree.root().fail("takes " + to_string(input->shape) + ", which no network takes");
  }
  return *input;
}

BuiltModule build_module(const ModuleTree& tree, std::int64_t height, std::int64_t width) {
  const PickledModule& root = tree.root();
  // A class that isn't known says more than an input that isn't.
  if (!find_row(root)) ForwardBuilder().run(root, OnnxValueId{});
  BuiltModule built{{}, find_module_input(tree, height, width), described(last_layer(root))};
  ForwardBuilder build;
  const DType dtype = built.input.takes_integers ? DType::int64 : DType::float32;
  const OnnxValueId input = build.emitter().input(built.input.takes_image ? "image" : "input",
                                                  static_type(dtype, built.input.shape));
  set_outputs(build, root, build.run_all(root, {input}));
  built.graph = build.emitter().take();
  return built;
}

}  // namespace calib8
