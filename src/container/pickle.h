#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/bytes.h"

namespace calib8 {

/// A value of a Pickle: its index there. Values are shared, and may even contain themselves, as in Python.
enum class PickleId : std::uint32_t {};

/// An int beyond 64 bits: two's complement, little-endian, as many bytes as it takes.
struct PickleBigInteger {
  std::string_view bytes;
};

/// A str, or the str of Python 2; its encoding is not checked.
struct PickleString {
  std::string_view text;
};

/// bytes or bytearray.
struct PickleBytes {
  std::string_view bytes;
};

struct PickleTuple {
  std::vector<PickleId> items;
};

struct PickleList {
  std::vector<PickleId> items;
};

/// A set or frozenset made by an opcode of its own.
struct PickleSet {
  std::vector<PickleId> items;
};

/// Pairs in the order in which they were set; of equal keys the last one counts.
using PickleEntries = std::vector<std::pair<PickleId, PickleId>>;

struct PickleDict {
  PickleEntries entries;
};

/// The name of a class or function. Never looked up.
struct PickleGlobal {
  std::string_view module;
  std::string_view name;
};

/// What a class or function would have made; never called. Subclasses of list and dict also have items and
/// entries.
struct PickleObject {
  PickleId callable{};   ///< Always a PickleGlobal.
  PickleId arguments{};  ///< Always a PickleTuple.
  bool called =
      false;  ///< By REDUCE, which may name any function; else by a class that was to make an instance.
  std::optional<PickleId> state;
  std::vector<PickleId> items;
  PickleEntries entries;
};

/// Something stored outside of the pickle, by the identity that names it there.
struct PicklePersistent {
  PickleId identity{};
};

using PickleValue = std::variant<std::monostate, bool, std::int64_t, PickleBigInteger, double, PickleString,
                                 PickleBytes, PickleTuple, PickleList, PickleSet, PickleDict, PickleGlobal,
                                 PickleObject, PicklePersistent>;

/// "a list", "an int": the kind of value, for errors.
std::string_view describe_kind(const PickleValue& value);

/// Bounds on what a pickle may ask for. The defaults are far above any model and far below any harm.
struct PickleLimits {
  std::size_t values = std::size_t{1} << 21;
  std::size_t memo = std::size_t{1} << 21;   ///< Entries of the memo.
  std::size_t stack = std::size_t{1} << 21;  ///< Values on the stack.
  std::size_t depth = 200;                   ///< Containers within containers, and open marks.
  std::size_t expanded = std::size_t{1}
                         << 26;  ///< Values in one value when shared ones are counted each time.
};

/// Called with each global that the pickle names; throws where that one is not allowed.
using PickleGlobalCheck = std::function<void(std::string_view module, std::string_view name)>;

/// A pickle as inert data. Its texts look into the pickled bytes, which it keeps alive. All values lie side
/// by side, so neither depth nor sharing costs anything to copy or destroy.
struct Pickle {
  std::vector<PickleValue> values;
  PickleId root{};
  std::size_t size = 0;           ///< Bytes up to and with the STOP opcode.
  std::deque<std::string> texts;  ///< Texts that had to be unescaped.
  Data source;

  const PickleValue& operator[](PickleId id) const { return values[static_cast<std::size_t>(id)]; }

  /// The value if it is a T, otherwise nullptr.
  template <class T>
  const T* get_if(PickleId id) const {
    return std::get_if<T>(&(*this)[id]);
  }
};

/// Reads one pickle, protocols 0 to 5 (Python's Lib/pickletools.py describes the opcodes), from the beginning
/// of the bytes. Opcodes that import extensions, make old-style instances or take out-of-band buffers are
/// refused. `where` names the pickle in errors. Fails with ErrorCode::model.
Pickle read_pickle(Data bytes, const PickleGlobalCheck& check_global, const std::string& where,
                   const PickleLimits& limits = {});

}  // namespace calib8
