#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "container/byte_cursor.h"
#include "container/pickle.h"
#include "container/pickle_opcodes.h"

namespace calib8 {

using PickleIds = std::vector<PickleId>;

/// Python's unpickler as a machine that only ever arranges values. Each opcode makes at most one value and
/// moves what was pushed before, so memory grows with the pickle's bytes and with nothing that they say.
class PickleMachine {
 public:
  PickleMachine(Data bytes, const PickleGlobalCheck& check_global, const std::string& where,
                const PickleLimits& limits)
      : cursor_(bytes.bytes(), "the pickle", where),
        check_global_(check_global),
        where_(where),
        limits_(limits) {
    pickle_.source = std::move(bytes);
  }

  Pickle run();

 private:
  /// How deep and how large a value is, kept while it grows.
  struct Measure {
    std::size_t depth = 1;
    std::size_t expanded = 1;
  };

  [[noreturn]] void fail(const std::string& what) const { throw Error(ErrorCode::model, what, where_); }
  [[noreturn]] void fail_malformed(const std::string& what) const {
    fail("the pickle is malformed (" + what + ", at byte " + std::to_string(cursor_.position()) +
         "): the file is damaged, get it anew");
  }

  PickleId add(PickleValue value);
  void push(PickleId id);
  void push_value(PickleValue value) { push(add(std::move(value))); }
  PickleId top() const;
  PickleId pop();
  PickleIds pop_to_mark();
  void open_mark();
  void attach(PickleId container, PickleId child);

  void remember(std::uint64_t key);
  void recall(std::uint64_t key);
  std::uint64_t text_key();

  template <class Container>
  void push_container(PickleIds items);
  void push_dict(const PickleIds& items);
  void append(PickleId container, PickleId item);
  void set_entries(PickleId container, const PickleIds& items);
  void push_big_integer(std::uint64_t size);
  void push_integer_line(bool with_suffix);
  void push_global(std::string_view module, std::string_view name);
  PickleId class_behind(PickleId callable) const;
  void make_object(PickleId callable, PickleId arguments, bool called);
  void set_state();

  bool step();
  bool step_scalar(Opcode opcode);
  bool step_text(Opcode opcode);
  bool step_container(Opcode opcode);
  bool step_memo(Opcode opcode);
  bool step_object(Opcode opcode);

  ByteCursor cursor_;
  const PickleGlobalCheck& check_global_;
  const std::string& where_;
  const PickleLimits& limits_;
  Pickle pickle_;
  std::vector<Measure> measures_;  // beside pickle_.values
  PickleIds stack_;
  std::vector<std::size_t> marks_;  // sizes of the stack
  std::unordered_map<std::uint64_t, PickleId> memo_;
};

template <class Container>
void PickleMachine::push_container(PickleIds items) {  // NOLINT(performance-unnecessary-value-param): moved
  const PickleId container = add(Container{});
  for (const PickleId item : items) attach(container, item);
  std::get<Container>(pickle_.values.back()).items = std::move(items);
  push(container);
}

}  // namespace calib8
