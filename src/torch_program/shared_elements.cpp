// What a ProgramBuilder knows of names that share elements: which value each stands for, which are out of
// date after something was written in place, and how they are made again.

#include "base/text.h"
#include "calib8/error.h"
#include "torch_program/in_place.h"
#include "torch_program/operator_call.h"
#include "torch_program/program_builder.h"

namespace calib8 {
namespace {

constexpr int deepest_replay = 100;  // a file may say any number

}  // namespace

std::size_t ProgramBuilder::binding_of(const std::string& name) const {
  const auto found = scopes_.back().find(name);
  if (found == scopes_.back().end())
    throw Error(ErrorCode::model, "value " + printable(name) + " is used before anything gives it", where_);
  return found->second;
}

std::size_t ProgramBuilder::add_storage(const ProgramInput* input) {
  storages_.push_back({0, {}, input});
  return storages_.size() - 1;
}

void ProgramBuilder::give_name(const std::string& name, std::size_t binding) {
  if (!scopes_.back().emplace(name, binding).second)
    throw Error(ErrorCode::model, "two nodes give value " + printable(name), where_);
}

void ProgramBuilder::bind(const std::string& name, Binding binding) {
  if (name.empty()) return;
  give_name(name, bindings_.size());
  bindings_.push_back(binding);
}

OnnxValueId ProgramBuilder::read(const std::string& name) {
  const std::size_t binding = binding_of(name);
  const OnnxValueId value = value_of(binding);
  if (!value.exists())
    throw Error(
        ErrorCode::model,
        "value " + printable(name) + " is used, an output of its operator that calib8 doesn't compute",
        where_);
  return value;
}

OnnxValueId ProgramBuilder::value_of(std::size_t index) {
  Binding& binding = bindings_[index];
  if (binding.input && !binding.value.exists()) {
    Tensor tensor = load_(*binding.input);
    if (is_floating(tensor.dtype) && tensor.dtype != DType::float32)
      tensor = make_tensor(tensor.shape, to_float(tensor));
    const OnnxType type = static_type(tensor.dtype, tensor.shape);
    const OnnxValueId value = emitter_.constant(valid_utf8(binding.input->tensor), std::move(tensor));
    emitter_.graph()[value].type = type;
    binding.value = value;
  }
  // From what is up to date down to what is asked for.
  std::vector<std::size_t> stale;
  for (std::size_t at = index; storages_[bindings_[at].storage].version != bindings_[at].version;
       at = bindings_[at].parent) {
    const Binding& old = bindings_[at];
    const OperatorRow* row = old.view ? row_of(*old.view) : nullptr;
    if (!row || row->sharing != Sharing::view || stale.size() > bindings_.size()) {
      const std::string& writer = storages_[old.storage].changed_by;
      // Of several names for it the first, so that it is the same each time.
      std::string who;
      for (const auto& [name, named] : scopes_.back()) {
        if (named == at && (who.empty() || name < who)) who = name;
      }
      throw Error(ErrorCode::model,
                  "value " + printable(who) + " is read after node " + printable(writer) +
                      unfollowed(" has written elements in place that it may share"),
                  where_);
    }
    stale.push_back(at);
  }
  for (auto at = stale.rbegin(); at != stale.rend(); ++at) {
    const ProgramNode& view = *bindings_[*at].view;
    if (++replays_ > deepest_replay) fail(view, "shares elements in more ways than any network's");
    const Values again = call(view, *row_of(view));
    --replays_;
    bindings_[*at].value = again.at(bindings_[*at].part);
    bindings_[*at].version = storages_[bindings_[*at].storage].version;
  }
  return bindings_[index].value;
}

void ProgramBuilder::write(const ProgramNode& node, std::size_t index, OnnxValueId value) {
  const std::size_t storage = bindings_[index].storage;
  if (const ProgramInput* input = storages_[storage].input; input && input->kind != ProgramInput::Kind::user)
    fail(node, "writes into " + printable(input->tensor) +
                   unfollowed(", a tensor of the model, in place, and a TFLite model keeps no state"));
  // What the views look at, before any of it is written.
  struct Link {
    std::size_t binding;
    OnnxValueId before;
  };
  std::vector<Link> chain;
  for (std::size_t at = index;; at = bindings_[at].parent) {
    const Binding& binding = bindings_[at];
    const OperatorRow* row = binding.view ? row_of(*binding.view) : nullptr;
    if (binding.parent == none || !row || row->sharing != Sharing::view) break;
    chain.push_back({binding.parent, value_of(binding.parent)});
  }
  storages_[storage].version += 1;
  storages_[storage].changed_by = node.name;
  const auto set = [&](std::size_t at, OnnxValueId now) {
    bindings_[at].value = now;
    bindings_[at].version = storages_[storage].version;
  };
  set(index, value);
  std::size_t at = index;
  for (const Link& link : chain) {
    const ProgramNode& view = *bindings_[at].view;
    OperatorCall undo(*this, view);
    const auto whole = written_through(undo, view.operator_name, bindings_[at].part, link.before, value);
    if (!whole) return;  // whoever reads it is refused
    value = *whole;
    set(link.binding, value);
    at = link.binding;
  }
}

}  // namespace calib8
