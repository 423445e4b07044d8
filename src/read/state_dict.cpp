#include "read/state_dict.h"

namespace calib8 {

bool StateDict::add(std::string name, Tensor tensor) {
  if (!index_.emplace(name, tensors_.size()).second) return false;
  tensors_.push_back({std::move(name), std::move(tensor)});
  return true;
}

const Tensor* StateDict::find(std::string_view name) const {
  const auto found = index_.find(name);
  return found == index_.end() ? nullptr : &tensors_[found->second].tensor;
}

}  // namespace calib8
