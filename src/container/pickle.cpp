#include "container/pickle.h"

#include "container/pickle_machine.h"
#include "container/pickle_text.h"

namespace calib8 {

bool PickleMachine::step_scalar(Opcode opcode) {
  switch (opcode) {
    case Opcode::none:
      push_value(std::monostate{});
      return true;
    case Opcode::newtrue:
      push_value(true);
      return true;
    case Opcode::newfalse:
      push_value(false);
      return true;
    case Opcode::binint:
      push_value(std::int64_t{cursor_.number<std::int32_t>()});
      return true;
    case Opcode::binint1:
      push_value(std::int64_t{cursor_.number<std::uint8_t>()});
      return true;
    case Opcode::binint2:
      push_value(std::int64_t{cursor_.number<std::uint16_t>()});
      return true;
    case Opcode::long1:
      push_big_integer(cursor_.number<std::uint8_t>());
      return true;
    case Opcode::long4:
      push_big_integer(cursor_.number<std::uint32_t>());
      return true;
    case Opcode::integer:
      push_integer_line(false);
      return true;
    case Opcode::long_integer:
      push_integer_line(true);
      return true;
    case Opcode::real: {
      const auto value = parse_real(cursor_.line());
      if (!value) fail_malformed("a float is not one");
      push_value(*value);
      return true;
    }
    case Opcode::binfloat: {
      // Big-endian, alone among the opcodes.
      std::uint64_t bits = 0;
      for (const std::byte byte : cursor_.take(8)) bits = bits << 8 | static_cast<std::uint64_t>(byte);
      double value;
      std::memcpy(&value, &bits, sizeof(value));
      push_value(value);
      return true;
    }
    default:
      return false;
  }
}

bool PickleMachine::step_text(Opcode opcode) {
  const auto push_string = [&](std::uint64_t size) { push_value(PickleString{text_of(cursor_.take(size))}); };
  const auto push_bytes = [&](std::uint64_t size) { push_value(PickleBytes{text_of(cursor_.take(size))}); };
  switch (opcode) {
    case Opcode::short_binunicode:
    case Opcode::short_binstring:
      push_string(cursor_.number<std::uint8_t>());
      return true;
    case Opcode::binunicode:
    case Opcode::binstring:
      push_string(cursor_.number<std::uint32_t>());
      return true;
    case Opcode::binunicode8:
      push_string(cursor_.number<std::uint64_t>());
      return true;
    case Opcode::short_binbytes:
      push_bytes(cursor_.number<std::uint8_t>());
      return true;
    case Opcode::binbytes:
      push_bytes(cursor_.number<std::uint32_t>());
      return true;
    case Opcode::binbytes8:
    case Opcode::bytearray8:
      push_bytes(cursor_.number<std::uint64_t>());
      return true;
    case Opcode::string:
    case Opcode::unicode: {
      const std::string_view line = cursor_.line();
      auto text = opcode == Opcode::string ? decode_string_literal(line) : decode_raw_unicode(line);
      if (!text) fail_malformed("a str is not well formed");
      push_value(PickleString{pickle_.texts.emplace_back(std::move(*text))});
      return true;
    }
    default:
      return false;
  }
}

bool PickleMachine::step_container(Opcode opcode) {
  switch (opcode) {
    case Opcode::mark:
      open_mark();
      return true;
    case Opcode::empty_tuple:
      push_container<PickleTuple>({});
      return true;
    case Opcode::tuple:
      push_container<PickleTuple>(pop_to_mark());
      return true;
    case Opcode::tuple1:
    case Opcode::tuple2:
    case Opcode::tuple3: {
      PickleIds items(1 + static_cast<std::size_t>(opcode) - static_cast<std::size_t>(Opcode::tuple1));
      for (std::size_t i = items.size(); i-- > 0;) items[i] = pop();
      push_container<PickleTuple>(std::move(items));
      return true;
    }
    case Opcode::empty_list:
      push_container<PickleList>({});
      return true;
    case Opcode::list:
      push_container<PickleList>(pop_to_mark());
      return true;
    case Opcode::empty_set:
      push_container<PickleSet>({});
      return true;
    case Opcode::frozenset:
      push_container<PickleSet>(pop_to_mark());
      return true;
    case Opcode::empty_dict:
      push_dict({});
      return true;
    case Opcode::dict:
      push_dict(pop_to_mark());
      return true;
    case Opcode::append: {
      const PickleId item = pop();
      append(top(), item);
      return true;
    }
    case Opcode::appends:
    case Opcode::additems: {
      const PickleIds items = pop_to_mark();
      for (const PickleId item : items) append(top(), item);
      return true;
    }
    case Opcode::setitem: {
      const PickleId value = pop();
      const PickleId key = pop();
      set_entries(top(), {key, value});
      return true;
    }
    case Opcode::setitems: {
      const PickleIds items = pop_to_mark();
      set_entries(top(), items);
      return true;
    }
    default:
      return false;
  }
}

bool PickleMachine::step_memo(Opcode opcode) {
  switch (opcode) {
    case Opcode::pop:
      // Like Python's: with nothing above the mark, the mark itself goes.
      if (!marks_.empty() && marks_.back() == stack_.size()) {
        marks_.pop_back();
      } else {
        pop();
      }
      return true;
    case Opcode::pop_mark:
      pop_to_mark();
      return true;
    case Opcode::dup:
      push(top());
      return true;
    case Opcode::put:
      remember(text_key());
      return true;
    case Opcode::binput:
      remember(cursor_.number<std::uint8_t>());
      return true;
    case Opcode::long_binput:
      remember(cursor_.number<std::uint32_t>());
      return true;
    case Opcode::memoize:
      remember(memo_.size());
      return true;
    case Opcode::get:
      recall(text_key());
      return true;
    case Opcode::binget:
      recall(cursor_.number<std::uint8_t>());
      return true;
    case Opcode::long_binget:
      recall(cursor_.number<std::uint32_t>());
      return true;
    default:
      return false;
  }
}

bool PickleMachine::step_object(Opcode opcode) {
  switch (opcode) {
    case Opcode::proto:
      if (cursor_.number<std::uint8_t>() > 5) fail_malformed("a protocol above 5");
      return true;
    case Opcode::frame:
      if (cursor_.number<std::uint64_t>() > cursor_.remaining()) fail_malformed("a frame beyond its end");
      return true;
    case Opcode::global: {
      const std::string_view module = cursor_.line();
      push_global(module, cursor_.line());
      return true;
    }
    case Opcode::stack_global: {
      const auto* name = pickle_.get_if<PickleString>(pop());
      const auto* module = pickle_.get_if<PickleString>(pop());
      if (!name || !module) fail_malformed("a global's name is not a str");
      push_global(module->text, name->text);
      return true;
    }
    case Opcode::reduce:
    case Opcode::newobj: {
      const PickleId arguments = pop();
      make_object(pop(), arguments, opcode == Opcode::reduce);
      return true;
    }
    case Opcode::newobj_ex: {
      const PickleId keywords = pop();
      const PickleId arguments = pop();
      const auto* dict = pickle_.get_if<PickleDict>(keywords);
      if (!dict || !dict->entries.empty())
        fail("the pickle makes an object with keyword arguments, which calib8 doesn't read");
      make_object(pop(), arguments, false);
      return true;
    }
    case Opcode::build:
      set_state();
      return true;
    case Opcode::persid: {
      const PickleId identity = add(PickleString{cursor_.line()});
      push_value(PicklePersistent{identity});
      return true;
    }
    case Opcode::binpersid: {
      const PickleId identity = pop();
      const PickleId persistent = add(PicklePersistent{identity});
      attach(persistent, identity);
      push(persistent);
      return true;
    }
    default:
      return false;
  }
}

bool PickleMachine::step() {
  const auto byte = cursor_.number<std::uint8_t>();
  const auto opcode = static_cast<Opcode>(byte);
  if (opcode == Opcode::stop) return false;
  if (step_scalar(opcode) || step_text(opcode) || step_container(opcode) || step_memo(opcode) ||
      step_object(opcode))
    return true;
  fail_malformed("opcode " + std::to_string(byte) + " is unknown or not one that calib8 reads");
}

Pickle PickleMachine::run() {
  while (step()) {
  }
  pickle_.root = pop();
  if (!stack_.empty() || !marks_.empty()) fail_malformed("values are left over");
  pickle_.size = cursor_.position();
  return std::move(pickle_);
}

std::string_view describe_kind(const PickleValue& value) {
  static constexpr std::string_view kinds[] = {"None",   "a bool",   "an int",    "an int",     "a float",
                                               "a str",  "bytes",    "a tuple",   "a list",     "a set",
                                               "a dict", "a global", "an object", "a reference"};
  static_assert(std::size(kinds) == std::variant_size_v<PickleValue>);
  return kinds[value.index()];
}

Pickle read_pickle(Data bytes, const PickleGlobalCheck& check_global, const std::string& where,
                   const PickleLimits& limits) {
  return PickleMachine(std::move(bytes), check_global, where, limits).run();
}

}  // namespace calib8
