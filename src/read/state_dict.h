#pragma once

#include <cstddef>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/tensor.h"

namespace calib8 {

/// One weight or buffer of a model.
struct NamedTensor {
  std::string name;
  Tensor tensor;
};

/// The tensors of a model by name, in the order in which they were saved (the order of the model's modules).
class StateDict {
 public:
  /// Adds a tensor at the end; false, and nothing added, where the name is taken.
  bool add(std::string name, Tensor tensor);

  /// The tensor of that name, or nullptr. Valid until the next add().
  const Tensor* find(std::string_view name) const;

  std::size_t size() const { return tensors_.size(); }
  bool empty() const { return tensors_.empty(); }
  const std::vector<NamedTensor>& tensors() const { return tensors_; }
  std::vector<NamedTensor>::const_iterator begin() const { return tensors_.begin(); }
  std::vector<NamedTensor>::const_iterator end() const { return tensors_.end(); }

 private:
  std::vector<NamedTensor> tensors_;
  std::map<std::string, std::size_t, std::less<>> index_;
};

/// What a PyTorch checkpoint holds, as plain data.
struct Checkpoint {
  /// Names are without the wrappers' prefixes. Contiguous tensors are views into the mapped file.
  StateDict tensors;
  /// The plain values beside the tensors: what is saved as "config" (or "hyper_parameters", "args", ...), and
  /// otherwise the plain values next to the state_dict ("arch", "epoch", ...). An empty object where there is
  /// neither.
  nlohmann::json config = nlohmann::json::object();
  std::string config_from = "the checkpoint's config";  ///< What that is, for people.
  /// The plain values of the outermost dict, also where there is a config.
  nlohmann::json outermost = nlohmann::json::object();
  /// What was chosen and what was left out, one sentence each.
  std::vector<std::string> notes;
  /// Path of keys to the state_dict, e.g. "model_state_dict" or "checkpoint.model"; empty where the file is
  /// one.
  std::string found_at;
  /// The prefix that all names had and that was taken off, e.g. "model.module."; mostly empty.
  std::string prefix;
};

}  // namespace calib8
