#pragma once

#include <deque>
#include <string>

#include "read/checkpoint_source.h"
#include "read/modules/pickled_module.h"
#include "read/state_dict.h"

namespace calib8 {

/// Whether the value is a torch.nn.Module: an object whose state has parameters and modules.
bool is_pickled_module(const Pickle& pickle, PickleId id);

/// A pickled module with all modules inside it, as plain data.
class ModuleTree {
 public:
  /// is_pickled_module(source.pickle, root) holds; `file_size` is as TensorBuilder takes it, and both
  /// references must outlive the tree. Fails with ErrorCode::model where modules are too many or too deep,
  /// where one has hooks or a forward() of its own (code that the file doesn't hold), or where anything in
  /// the pickle was to be made by a call of what no module holds.
  ModuleTree(const CheckpointSource& source, PickleId root, std::size_t file_size, const std::string& where);
  ModuleTree(const ModuleTree&) = delete;
  ModuleTree& operator=(const ModuleTree&) = delete;

  const PickledModule& root() const { return *root_; }
  const Pickle& pickle() const { return source_.pickle; }
  const std::string& where() const { return where_; }

  /// A tensor of the pickle; `name` stands in errors.
  Tensor build(PickleId id, std::string_view name) const;
  /// All parameters and buffers, as the module's state_dict() names them (buffers that it leaves out, too).
  StateDict state_dict() const;

 private:
  PickledModule* read(PickleId id, std::string place, std::size_t depth);
  void read_tensors(PickledModule& module, std::string_view attribute);
  void read_children(PickledModule& module, std::size_t depth);
  void refuse_own_code(const PickledModule& module) const;

  const CheckpointSource& source_;
  const std::string& where_;
  mutable TensorBuilder tensors_;
  std::deque<PickledModule> modules_;
  const PickledModule* root_ = nullptr;
};

}  // namespace calib8
