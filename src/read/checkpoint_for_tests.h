#pragma once

#include <string>
#include <utility>
#include <vector>

#include "container/archive_for_tests.h"

namespace calib8::pickled {

/// Opcodes of protocol 2 as torch.save writes them, put together by hand. Each function gives the opcodes
/// that push one value.
inline std::string text(const std::string& value) {
  std::string bytes = "X";
  append_number<std::uint32_t>(bytes, static_cast<std::uint32_t>(value.size()));
  return bytes + value;
}

inline std::string number(std::int64_t value) {
  std::string bytes = "\x8a\x08";
  append_number<std::int64_t>(bytes, value);
  return bytes;
}

inline std::string global(const std::string& module, const std::string& name) {
  return "c" + module + "\n" + name + "\n";
}

inline std::string tuple(const std::vector<std::string>& items) {
  std::string bytes = "(";
  for (const std::string& item : items) bytes += item;
  return bytes + "t";
}

inline std::string numbers(const std::vector<std::int64_t>& values) {
  std::vector<std::string> items;
  for (const std::int64_t value : values) items.push_back(number(value));
  return tuple(items);
}

inline std::string dict(const std::vector<std::pair<std::string, std::string>>& entries) {
  std::string bytes = "}(";
  for (const auto& [key, value] : entries) bytes += text(key) + value;
  return bytes + "u";
}

inline std::string call(const std::string& callable, const std::string& arguments) {
  return callable + arguments + "R";
}

inline std::string storage(const std::string& key, std::int64_t count,
                           const std::string& type = "FloatStorage", const std::string& view = "") {
  return tuple({text("storage"), global("torch", type), text(key), text("cpu"), number(count), view}) + "Q";
}

inline std::string ordered_dict() {
  return call(global("collections", "OrderedDict"), ")");
}

inline std::string tensor(const std::string& stored, std::int64_t offset,
                          const std::vector<std::int64_t>& shape, const std::vector<std::int64_t>& strides) {
  return call(global("torch._utils", "_rebuild_tensor_v2"),
              tuple({stored, number(offset), numbers(shape), numbers(strides), "\x89", ordered_dict()}));
}

inline std::string whole(const std::string& value) {
  return "\x80\x02" + value + ".";
}

inline std::string floats(const std::vector<float>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)};
}

/// A torch.save archive of this object, with the storages "0", "1", ...
inline std::string archive(const std::string& value, const std::vector<std::string>& storages = {}) {
  std::vector<ArchiveMember> members = {{"model/data.pkl", whole(value)}, {"model/byteorder", "little"}};
  for (std::size_t i = 0; i < storages.size(); ++i)
    members.push_back({"model/data/" + std::to_string(i), storages[i]});
  members.push_back({"model/version", "3\n"});
  return make_archive(members);
}

/// A file of PyTorch before 1.6 of this object: each storage is its key, its number of elements and its
/// bytes.
struct LegacyStorage {
  std::string key;
  std::int64_t count = 0;
  std::string bytes;
};

inline std::string legacy(const std::string& value, const std::vector<LegacyStorage>& storages) {
  std::string bytes = whole("\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19") + whole(number(1001)) +
                      whole(dict({{"little_endian", "\x88"}})) + whole(value);
  std::string keys = "](";
  for (const LegacyStorage& stored : storages) keys += text(stored.key);
  bytes += whole(keys + "e");
  for (const LegacyStorage& stored : storages) {
    append_number<std::int64_t>(bytes, stored.count);
    bytes += stored.bytes;
  }
  return bytes;
}

}  // namespace calib8::pickled
