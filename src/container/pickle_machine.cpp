#include "container/pickle_machine.h"

#include <algorithm>

#include "container/pickle_text.h"

namespace calib8 {

PickleId PickleMachine::add(PickleValue value) {
  if (pickle_.values.size() >= limits_.values) fail("the pickle holds too many values to be a model's");
  pickle_.values.push_back(std::move(value));
  measures_.emplace_back();
  return PickleId(pickle_.values.size() - 1);
}

void PickleMachine::push(PickleId id) {
  if (stack_.size() >= limits_.stack) fail("the pickle piles up too many values to be a model's");
  stack_.push_back(id);
}

PickleId PickleMachine::top() const {
  if (stack_.size() <= (marks_.empty() ? 0 : marks_.back())) fail_malformed("its stack runs empty");
  return stack_.back();
}

PickleId PickleMachine::pop() {
  const PickleId id = top();
  stack_.pop_back();
  return id;
}

PickleIds PickleMachine::pop_to_mark() {
  if (marks_.empty()) fail_malformed("a mark is missing");
  const auto begin = stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
  PickleIds items(begin, stack_.end());
  stack_.erase(begin, stack_.end());
  marks_.pop_back();
  return items;
}

void PickleMachine::open_mark() {
  if (marks_.size() >= limits_.depth) fail("the pickle is nested too deeply to be a model's");
  marks_.push_back(stack_.size());
}

void PickleMachine::attach(PickleId container, PickleId child) {
  Measure& outer = measures_[static_cast<std::size_t>(container)];
  const Measure& inner = measures_[static_cast<std::size_t>(child)];
  outer.depth = std::max(outer.depth, inner.depth + 1);
  outer.expanded += inner.expanded;
  if (outer.depth > limits_.depth) fail("the pickle is nested too deeply to be a model's");
  if (outer.expanded > limits_.expanded)
    fail("the pickle repeats its values too often to be a model's (a memo bomb)");
}

void PickleMachine::remember(std::uint64_t key) {
  memo_[key] = top();
  if (memo_.size() > limits_.memo) fail("the pickle remembers too many values to be a model's");
}

void PickleMachine::recall(std::uint64_t key) {
  const auto found = memo_.find(key);
  if (found == memo_.end()) fail_malformed("it recalls a value that it never remembered");
  push(found->second);
}

std::uint64_t PickleMachine::text_key() {
  const auto key = parse_integer(cursor_.line());
  if (!key || *key < 0) fail_malformed("a memo key is not a number");
  return static_cast<std::uint64_t>(*key);
}

void PickleMachine::push_dict(const PickleIds& items) {
  const PickleId dict = add(PickleDict{});
  set_entries(dict, items);
  push(dict);
}

void PickleMachine::append(PickleId container, PickleId item) {
  PickleValue& value = pickle_.values[static_cast<std::size_t>(container)];
  if (auto* list = std::get_if<PickleList>(&value)) {
    list->items.push_back(item);
  } else if (auto* object = std::get_if<PickleObject>(&value)) {
    object->items.push_back(item);
  } else if (auto* set = std::get_if<PickleSet>(&value)) {
    set->items.push_back(item);
  } else {
    fail_malformed("it appends to " + std::string(describe_kind(value)));
  }
  attach(container, item);
}

void PickleMachine::set_entries(PickleId container, const PickleIds& items) {
  if (items.size() % 2 != 0) fail_malformed("a key has no value");
  PickleValue& value = pickle_.values[static_cast<std::size_t>(container)];
  PickleEntries* entries = nullptr;
  if (auto* dict = std::get_if<PickleDict>(&value)) entries = &dict->entries;
  if (auto* object = std::get_if<PickleObject>(&value)) entries = &object->entries;
  if (!entries) fail_malformed("it sets an item of " + std::string(describe_kind(value)));
  for (std::size_t i = 0; i < items.size(); i += 2) {
    attach(container, items[i]);
    attach(container, items[i + 1]);
    entries->emplace_back(items[i], items[i + 1]);
  }
}

void PickleMachine::push_big_integer(std::uint64_t size) {
  std::string_view bytes = text_of(cursor_.take(size));
  // Bytes that only repeat the sign say nothing.
  const auto sign = [](char byte) { return static_cast<signed char>(byte) < 0 ? '\xff' : '\0'; };
  while (bytes.size() > 1 && bytes.back() == sign(bytes[bytes.size() - 2])) bytes.remove_suffix(1);
  if (bytes.size() > sizeof(std::int64_t)) return push_value(PickleBigInteger{bytes});
  std::uint64_t value = !bytes.empty() && sign(bytes.back()) != '\0' ? ~std::uint64_t{0} : 0;
  for (std::size_t i = bytes.size(); i-- > 0;) value = value << 8 | static_cast<unsigned char>(bytes[i]);
  push_value(static_cast<std::int64_t>(value));
}

void PickleMachine::push_integer_line(bool with_suffix) {
  std::string_view digits = cursor_.line();
  if (!with_suffix && (digits == "00" || digits == "01")) return push_value(digits == "01");
  if (with_suffix && digits.ends_with('L')) digits.remove_suffix(1);
  const auto value = parse_integer(digits);
  if (!value) fail_malformed("an int is not one of 64 bits");
  push_value(*value);
}

void PickleMachine::push_global(std::string_view module, std::string_view name) {
  check_global_(module, name);
  push_value(PickleGlobal{module, name});
}

/// Files of PyTorch before 1.6 name the classes of modules as something stored outside: ("module", class,
/// ...).
PickleId PickleMachine::class_behind(PickleId callable) const {
  const auto* persistent = pickle_.get_if<PicklePersistent>(callable);
  const auto* identity = persistent ? pickle_.get_if<PickleTuple>(persistent->identity) : nullptr;
  if (!identity || identity->items.size() < 2) return callable;
  const auto* kind = pickle_.get_if<PickleString>(identity->items[0]);
  return kind && kind->text == "module" ? identity->items[1] : callable;
}

void PickleMachine::make_object(PickleId callable, PickleId arguments, bool called) {
  callable = class_behind(callable);
  if (!pickle_.get_if<PickleGlobal>(callable))
    fail_malformed("it calls " + std::string(describe_kind(pickle_[callable])));
  if (!pickle_.get_if<PickleTuple>(arguments)) fail_malformed("it calls with arguments that are not a tuple");
  PickleObject object;
  object.callable = callable;
  object.arguments = arguments;
  object.called = called;
  const PickleId id = add(std::move(object));
  attach(id, arguments);
  push(id);
}

void PickleMachine::set_state() {
  const PickleId state = pop();
  const PickleId target = top();
  auto* object = std::get_if<PickleObject>(&pickle_.values[static_cast<std::size_t>(target)]);
  if (!object) fail_malformed("it sets the state of " + std::string(describe_kind(pickle_[target])));
  object->state = state;
  attach(target, state);
}

}  // namespace calib8
