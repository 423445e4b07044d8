#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "onnx_graph/onnx_graph.h"
#include "read/state_dict.h"

namespace calib8 {

struct RebuildRequest {
  std::optional<std::string>
      architecture;  ///< As torchvision.models names it; else from config, else recognized.
  /// What runs between the linear layers of a head that isn't torchvision's own: a word of
  /// DatasetOptions::head_activation; else relu, which is noted.
  std::optional<std::string> head_activation;
  std::optional<std::int64_t> num_classes;  ///< Must agree with the head; only checked.
  std::int64_t height = 224, width = 224;   ///< Of the input image, pixels.
  bool dynamic_batch = false;               ///< The batch is the symbol "batch" instead of 1.
};

struct RebuiltModel {
  OnnxGraph graph;  ///< Input "image" [batch, channels, height, width], output "logits" [batch, num_classes];
                    ///< types set there.
  std::string architecture;
  std::string head;  ///< For people: "classifier of torchvision", "classifier: 1280-512-256-10".
  std::int64_t num_classes;
  std::string recognized_by;  ///< "--arch", Checkpoint::config_from or "the names and shapes of its tensors".
  std::vector<std::string> notes;  ///< What was assumed, one sentence each.
};

/// Names of all architectures that can be rebuilt from a state_dict.
std::vector<std::string> architecture_names();

/// Rebuilds one of torchvision's classification models from its weights alone, for images of as many channels
/// as its stem takes, with its own classifier or another one in its place or beside a `backbone.`: linear
/// layers (and BatchNorms) as read/architectures/head.h reads them. Fails with ErrorCode::model where no
/// architecture fits; the message names the nearest and the first differences, or the library whose names
/// these are.
RebuiltModel rebuild_model(const Checkpoint& checkpoint, const RebuildRequest& request);

}  // namespace calib8
