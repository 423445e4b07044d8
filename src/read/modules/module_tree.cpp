#include "read/modules/module_tree.h"

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "calib8/error.h"
#include "read/checkpoint_globals.h"
#include "read/pickled_objects.h"

namespace calib8 {
namespace {

// A module that stands in several places counts once for each.
constexpr std::size_t most_modules = 50'000;
constexpr std::size_t deepest = 64;

/// The callables beside a checkpoint's own whose results may stand in a module's attributes: they stay
/// unread.
constexpr std::pair<std::string_view, std::string_view> inert_calls[] = {
    {"functools", "partial"},
    {"ultralytics.utils", "IterableSimpleNamespace"},  // arguments of the training
    {"ultralytics.yolo.utils", "IterableSimpleNamespace"},
};

std::string name_of(const PickleGlobal& global) {
  return printable(std::string(global.module) + "." + std::string(global.name));
}

std::optional<PickleEntries> state_of(const Pickle& pickle, PickleId id) {
  const auto* object = pickle.get_if<PickleObject>(id);
  return object && object->state ? entries_in(pickle, *object->state) : std::nullopt;
}

/// A module is made by its class alone. What a call of anything else would have made is nothing that a module
/// holds, wherever in the pickle it stands.
void refuse_calls(const Pickle& pickle, const std::string& where) {
  for (const PickleValue& value : pickle.values) {
    if (const auto* persistent = std::get_if<PicklePersistent>(&value)) {
      const auto* fields = items_in(pickle, persistent->identity);
      const auto kind = fields && !fields->empty() ? string_in(pickle, fields->front()) : std::nullopt;
      if (kind == "storage" || kind == "module") continue;
      throw Error(ErrorCode::model,
                  "the pickle refers to something outside of it that is no storage" +
                      (kind ? " (" + printable(*kind) + ")" : std::string()) +
                      ", which torch.save never writes: get the file from whom you trust",
                  where);
    }
    const auto* object = std::get_if<PickleObject>(&value);
    if (!object || !object->called) continue;
    const auto& callable = *pickle.get_if<PickleGlobal>(object->callable);
    if (is_allowed_global(callable.module, callable.name) ||
        std::ranges::find(inert_calls, std::pair(callable.module, callable.name)) != std::end(inert_calls))
      continue;
    throw Error(
        ErrorCode::model,
        "the pickled module would call " + name_of(callable) +
            " where PyTorch loads it, which is not on the list of what a module may hold: nothing was "
            "run; save torch.save(model.state_dict(), path), or export the model to ONNX with "
            "torch.onnx.export",
        where);
  }
}

bool is_empty(const Pickle& pickle, PickleId id) {
  const auto entries = entries_in(pickle, id);
  return !entries || entries->empty();
}

}  // namespace

bool is_pickled_module(const Pickle& pickle, PickleId id) {
  const auto state = state_of(pickle, id);
  return state && value_under(pickle, *state, "_parameters") && value_under(pickle, *state, "_modules");
}

ModuleTree::ModuleTree(const CheckpointSource& source, PickleId root, std::size_t file_size,
                       const std::string& where)
    : source_(source), where_(where), tensors_(source.pickle, source.storages, file_size, where) {
  refuse_calls(source.pickle, where);
  root_ = read(root, "", 0);
}

PickledModule* ModuleTree::read(PickleId id, std::string place, std::size_t depth) {
  const Pickle& pickle = source_.pickle;
  const auto fail = [&](const std::string& message) {
    return Error(ErrorCode::model, "the pickled module " + printable(place) + " " + message, where_);
  };
  const auto* object = pickle.get_if<PickleObject>(id);
  const auto* maker = maker_of(pickle, id);
  if (!object || !maker || object->called)
    throw fail(
        "is " + std::string(describe_kind(pickle[id])) +
        (object ? " made by a call of " + name_of(*pickle.get_if<PickleGlobal>(object->callable)) : "") +
        ", not an instance of a class: the file is damaged, or was tampered with");
  if (modules_.size() >= most_modules || depth > deepest)
    throw fail("is one of too many modules, or too deep in them: export the model to ONNX");
  const auto state = state_of(pickle, id);
  if (!state)
    throw fail("is a " + name_of(*maker) +
               " whose state is no dict: its class reads it by code of its own, so export the model to ONNX "
               "with torch.onnx.export");
  PickledModule& module = modules_.emplace_back();
  module.tree_ = this;
  module.class_module_ = maker->module;
  module.name_ = maker->name;
  module.place_ = std::move(place);
  for (const auto& [key, value] : *state) {
    if (const auto name = string_in(pickle, key)) module.attributes_.insert_or_assign(*name, value);
  }
  refuse_own_code(module);
  read_tensors(module, "_parameters");
  read_tensors(module, "_buffers");
  read_children(module, depth);
  return &module;
}

void ModuleTree::refuse_own_code(const PickledModule& module) const {
  for (const std::string_view hooks : {"_forward_hooks", "_forward_pre_hooks"}) {
    const auto found = module.find(hooks);
    if (found && !is_empty(source_.pickle, *found))
      module.fail("has a hook that changes what forward() does (" + std::string(hooks) +
                  "; weight_norm and spectral_norm add one): remove it before saving, or export the model to "
                  "ONNX with torch.onnx.export");
  }
  if (module.has("forward"))
    module.fail(
        "has a forward() of its own in place of its class's: export the model to ONNX with "
        "torch.onnx.export");
}

void ModuleTree::read_tensors(PickledModule& module, std::string_view attribute) {
  const auto found = module.find(attribute);
  const auto entries = found ? entries_in(source_.pickle, *found) : std::nullopt;
  if (!entries) return;
  for (const auto& [key, value] : *entries) {
    const auto name = string_in(source_.pickle, key);
    if (name && is_pickled_tensor(source_.pickle, value))
      module.tensors_.emplace_back(valid_utf8(*name), value);
  }
}

void ModuleTree::read_children(PickledModule& module, std::size_t depth) {
  const auto found = module.find("_modules");
  const auto entries = found ? entries_in(source_.pickle, *found) : std::nullopt;
  if (!entries) return;
  for (const auto& [key, value] : *entries) {
    const auto name = string_in(source_.pickle, key);
    if (!name || source_.pickle.get_if<std::monostate>(value)) continue;
    const std::string text = valid_utf8(name->substr(0, 200));
    const PickledModule* inner =
        read(value, module.place_.empty() ? text : module.place_ + "." + text, depth + 1);
    module.children_.emplace_back(text, inner);
  }
}

Tensor ModuleTree::build(PickleId id, std::string_view name) const {
  return tensors_.build(id, name);
}

StateDict ModuleTree::state_dict() const {
  StateDict state;
  for (const PickledModule& module : modules_) {
    for (const auto& [name, id] : module.tensors_) {
      const std::string whole = module.place_.empty() ? name : module.place_ + "." + name;
      if (!state.add(whole, build(id, whole)))
        module.fail("has the tensor " + printable(name) + " twice: the file is damaged, get it anew");
    }
  }
  return state;
}

}  // namespace calib8
