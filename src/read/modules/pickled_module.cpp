#include "read/modules/pickled_module.h"

#include <algorithm>
#include <ranges>

#include "base/text.h"
#include "calib8/error.h"
#include "read/modules/module_tree.h"
#include "read/pickled_objects.h"

namespace calib8 {
namespace {

constexpr std::size_t most_integers = 64;

std::optional<std::vector<std::int64_t>> integers_at(const Pickle& pickle, PickleId id) {
  const auto* items = items_in(pickle, id);
  if (!items || items->size() > most_integers) return std::nullopt;
  std::vector<std::int64_t> integers;
  for (const PickleId item : *items) {
    const auto integer = integer_in(pickle, item);
    if (!integer) return std::nullopt;
    integers.push_back(*integer);
  }
  return integers;
}

}  // namespace

std::string PickledModule::class_name() const {
  return std::string(class_module_) + "." + std::string(name_);
}

void PickledModule::fail(const std::string& message) const {
  const std::string at = place_.empty() ? "the pickled module" : "the pickled module " + printable(place_);
  throw Error(ErrorCode::model, at + ", a " + printable(class_name()) + ", " + message, tree_->where());
}

std::optional<PickleId> PickledModule::find(std::string_view attribute) const {
  const auto found = attributes_.find(attribute);
  return found == attributes_.end() ? std::nullopt : std::optional(found->second);
}

bool PickledModule::is_none(std::string_view attribute) const {
  const auto found = find(attribute);
  return !found || tree_->pickle().get_if<std::monostate>(*found);
}

bool PickledModule::is_text(std::string_view attribute) const {
  const auto found = find(attribute);
  return found && string_in(tree_->pickle(), *found);
}

std::int64_t PickledModule::integer(std::string_view attribute, std::int64_t fallback) const {
  if (is_none(attribute)) return fallback;
  const auto value = integer_in(tree_->pickle(), *find(attribute));
  if (!value) fail("has an attribute " + printable(attribute) + " that is no integer");
  return *value;
}

std::optional<double> PickledModule::number_at(PickleId id) const {
  if (const auto* real = tree_->pickle().get_if<double>(id)) return *real;
  const auto value = integer_in(tree_->pickle(), id);
  return value ? std::optional(static_cast<double>(*value)) : std::nullopt;
}

double PickledModule::number(std::string_view attribute, double fallback) const {
  if (is_none(attribute)) return fallback;
  const auto value = number_at(*find(attribute));
  if (!value) fail("has an attribute " + printable(attribute) + " that is no number");
  return *value;
}

std::vector<double> PickledModule::numbers(std::string_view attribute, std::size_t count) const {
  std::vector<double> values;
  if (const auto found = find(attribute)) {
    if (const auto one = number_at(*found)) return std::vector<double>(count, *one);
    const auto* items = items_in(tree_->pickle(), *found);
    for (std::size_t i = 0; items && i < items->size() && i < count; ++i) {
      if (const auto value = number_at((*items)[i])) values.push_back(*value);
    }
  }
  if (values.size() != count)
    fail("has no attribute " + printable(attribute) + " of " + std::to_string(count) + " numbers");
  return values;
}

bool PickledModule::flag(std::string_view attribute, bool fallback) const {
  return integer(attribute, fallback ? 1 : 0) != 0;
}

std::string PickledModule::text(std::string_view attribute, std::string_view fallback) const {
  if (is_none(attribute)) return std::string(fallback);
  const auto value = string_in(tree_->pickle(), *find(attribute));
  if (!value) fail("has an attribute " + printable(attribute) + " that is no text");
  return valid_utf8(*value);
}

std::string PickledModule::global_name(std::string_view attribute) const {
  const auto found = find(attribute);
  const auto* global = found ? tree_->pickle().get_if<PickleGlobal>(*found) : nullptr;
  return global ? valid_utf8(global->name) : std::string();
}

std::vector<std::int64_t> PickledModule::integers(std::string_view attribute, std::size_t count,
                                                  std::vector<std::int64_t> fallback) const {
  if (is_none(attribute)) return fallback;
  const PickleId id = *find(attribute);
  if (const auto one = integer_in(tree_->pickle(), id)) return std::vector<std::int64_t>(count, *one);
  auto values = integers_at(tree_->pickle(), id);
  if (values && values->size() == 1) values->resize(count, values->front());
  if (!values || values->size() != count)
    fail("has an attribute " + printable(attribute) + " that is not " + std::to_string(count) + " integers");
  return *std::move(values);
}

std::vector<std::int64_t> PickledModule::sizes(std::string_view attribute, std::size_t count) const {
  const Pickle& pickle = tree_->pickle();
  const auto* items = is_none(attribute) ? nullptr : items_in(pickle, *find(attribute));
  if (!items) return integers(attribute, count, std::vector<std::int64_t>(count, -1));
  if (items->size() != count)
    fail("has an attribute " + printable(attribute) + " that is not " + std::to_string(count) + " sizes");
  std::vector<std::int64_t> values;
  for (const PickleId item : *items) values.push_back(integer_in(pickle, item).value_or(-1));
  return values;
}

std::vector<std::int64_t> PickledModule::all_integers(std::string_view attribute) const {
  const auto found = find(attribute);
  const auto values = found ? integers_at(tree_->pickle(), *found) : std::nullopt;
  if (values) return *values;
  return {integer(attribute, 0)};
}

std::optional<Tensor> PickledModule::tensor(std::string_view name) const {
  const std::string whole = place_.empty() ? std::string(name) : place_ + "." + std::string(name);
  for (const auto& [own, id] : tensors_) {
    if (own == name) return tree_->build(id, whole);
  }
  const auto found = find(name);
  if (!found || !is_pickled_tensor(tree_->pickle(), *found)) return std::nullopt;
  return tree_->build(*found, whole);
}

const PickledModule* PickledModule::find_child(std::string_view name) const {
  const auto found = std::ranges::find(children_, name, [](const auto& child) { return child.first; });
  return found == children_.end() ? nullptr : found->second;
}

const PickledModule& PickledModule::child(std::string_view name) const {
  const PickledModule* found = find_child(name);
  if (!found)
    fail("has no module " + printable(name) + ", which its class has in the version that calib8 knows");
  return *found;
}

}  // namespace calib8
