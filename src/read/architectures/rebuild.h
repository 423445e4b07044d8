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
  std::optional<std::int64_t> num_classes;  ///< Must agree with the head; only checked.
  std::int64_t height = 224, width = 224;   ///< Of the input image, pixels.
  bool dynamic_batch = false;               ///< The batch is the symbol "batch" instead of 1.
};

struct RebuiltModel {
  OnnxGraph graph;  ///< Input "image" [batch, 3, height, width], output "logits" [batch, num_classes]; types
                    ///< set there.
  std::string architecture;
  std::string head;  ///< For people: "classifier of torchvision", "classifier: 1280-512-256-10".
  std::int64_t num_classes;
  std::string recognized_by;  ///< "--arch", "config" or "the names and shapes of its tensors".
};

/// Names of all architectures that can be rebuilt from a state_dict.
std::vector<std::string> architecture_names();

/// Rebuilds one of torchvision's classification models from its weights alone, with its own classifier or
/// with a head beside a `backbone.`: one linear layer, or Linear-ReLU-Dropout-Linear-ReLU-Dropout-Linear at
/// indices 0, 3 and 6. Fails with ErrorCode::model where no architecture fits; the message names the nearest
/// and the first differences.
RebuiltModel rebuild_model(const Checkpoint& checkpoint, const RebuildRequest& request);

}  // namespace calib8
