#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "onnx_graph/onnx_graph.h"
#include "read/modules/module_tree.h"

namespace calib8 {

/// What a module takes, told by the first of its layers that has weights.
struct ModuleInput {
  Shape shape;              ///< [1, ...], channels first.
  bool takes_image = true;  ///< [1, channels, height, width]
  bool takes_integers = false;
};

/// `height` and `width` (pixels) are of what the module leaves open: an image's, or as 1xLENGTH a signal's or
/// a text's. Fails with ErrorCode::model where no layer tells what the module takes.
ModuleInput find_module_input(const ModuleTree& tree, std::int64_t height, std::int64_t width);

struct BuiltModule {
  OnnxGraph graph;  ///< Input "image" or "input" (batch 1), outputs "output", or "output0", "output1", ...
  ModuleInput input;
  std::string last_layer;  ///< For people: "classifier.6, a Linear".
};

/// The graph of what the module's forward() computes, each class by its row (module_rows.h). Fails with
/// ErrorCode::model, naming the module by its place and class, where a class has none.
BuiltModule build_module(const ModuleTree& tree, std::int64_t height, std::int64_t width);

}  // namespace calib8
