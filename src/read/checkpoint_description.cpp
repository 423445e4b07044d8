#include "read/checkpoint_description.h"

namespace calib8 {

nlohmann::json describe_checkpoint(const Checkpoint& checkpoint) {
  nlohmann::json tensors = nlohmann::json::array();
  for (const auto& [name, tensor] : checkpoint.tensors) {
    tensors.push_back({{"name", name},
                       {"dtype", name_of(tensor.dtype)},
                       {"shape", tensor.shape},
                       {"sha256", sha256(tensor.data.bytes())}});
  }
  return {{"found_at", checkpoint.found_at},
          {"prefix", checkpoint.prefix},
          {"config", checkpoint.config},
          {"tensors", std::move(tensors)}};
}

}  // namespace calib8
