#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/tensor.h"
#include "container/pickle.h"

namespace calib8 {

class ModuleTree;

/// A torch.nn.Module as its pickle describes it: the name of its class, what its __dict__ held, and the
/// modules inside it. Plain data: its class is never looked up, and nothing in it runs.
///
/// Attributes have the values that the class's own __init__ gave them. Those that a version of PyTorch didn't
/// have yet are absent, so each getter takes what stood for them then. All getters fail with
/// ErrorCode::model, naming the module, where an attribute is of another kind.
class PickledModule {
 public:
  /// The class, "torch.nn.modules.conv.Conv2d".
  std::string class_name() const;
  /// Whether it is of this class; the module and the name in it are compared one by one.
  bool is_of(std::string_view class_module, std::string_view name) const {
    return class_module == class_module_ && name == name_;
  }
  /// Its name in the state_dict, "model.22.cv2.0"; empty for the outermost one.
  const std::string& place() const { return place_; }

  bool has(std::string_view attribute) const { return find(attribute).has_value(); }
  /// Whether the attribute is absent or None.
  bool is_none(std::string_view attribute) const;
  /// Whether it is a text: some attributes are a word or numbers.
  bool is_text(std::string_view attribute) const;
  std::int64_t integer(std::string_view attribute, std::int64_t fallback) const;
  double number(std::string_view attribute, double fallback) const;
  bool flag(std::string_view attribute, bool fallback) const;
  std::string text(std::string_view attribute, std::string_view fallback) const;
  /// A tuple or list of integers; a single one stands for `count` of them. The fallback may be empty.
  std::vector<std::int64_t> integers(std::string_view attribute, std::size_t count,
                                     std::vector<std::int64_t> fallback) const;
  /// A tuple or list of integers, however many.
  std::vector<std::int64_t> all_integers(std::string_view attribute) const;
  /// `count` integers, where None stands for what is to stay as it is: -1 here.
  std::vector<std::int64_t> sizes(std::string_view attribute, std::size_t count) const;
  /// `count` numbers, as integers() takes them; fails where the attribute is absent.
  std::vector<double> numbers(std::string_view attribute, std::size_t count) const;
  /// The last name of the class or function that the attribute is; empty where it is none.
  std::string global_name(std::string_view attribute) const;
  /// The value as the pickle has it; nothing where there is none.
  std::optional<PickleId> find(std::string_view attribute) const;

  /// All of them, by name.
  const std::map<std::string_view, PickleId>& attributes() const { return attributes_; }

  /// A parameter, a buffer or an attribute that is a tensor; nothing where it is absent or None.
  std::optional<Tensor> tensor(std::string_view name) const;
  /// The names of its own parameters and buffers, in their order.
  const std::vector<std::pair<std::string, PickleId>>& tensors() const { return tensors_; }

  /// The module of that name; null where it is absent or None.
  const PickledModule* find_child(std::string_view name) const;
  /// The same; fails with ErrorCode::model where there is none.
  const PickledModule& child(std::string_view name) const;
  /// The modules inside it, in their order, None left out.
  const std::vector<std::pair<std::string, const PickledModule*>>& children() const { return children_; }

  /// Fails with ErrorCode::model, with the module's place and class.
  [[noreturn]] void fail(const std::string& message) const;

 private:
  std::optional<double> number_at(PickleId id) const;

  friend class ModuleTree;

  const ModuleTree* tree_ = nullptr;
  std::string_view class_module_, name_;
  std::string place_;
  std::map<std::string_view, PickleId> attributes_;
  std::vector<std::pair<std::string, PickleId>> tensors_;
  std::vector<std::pair<std::string, const PickledModule*>> children_;
};

}  // namespace calib8
