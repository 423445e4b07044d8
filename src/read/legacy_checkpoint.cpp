#include <algorithm>
#include <map>
#include <memory>

#include "base/text.h"
#include "calib8/error.h"
#include "container/byte_cursor.h"
#include "read/checkpoint_globals.h"
#include "read/checkpoint_source.h"
#include "read/pickled_objects.h"

namespace calib8 {
namespace {

// torch.serialization.MAGIC_NUMBER, 0x1950a86a20f9469cfc6c, in little-endian bytes.
constexpr unsigned char magic[] = {0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19};
constexpr std::int64_t protocol_version = 1001;

std::string_view magic_text() {
  return {reinterpret_cast<const char*>(magic), sizeof(magic)};
}

[[noreturn]] void refuse(const std::string& where, const std::string& what) {
  throw Error(ErrorCode::model, what, where);
}

/// Reads pickles one after another.
class PickleSequence {
 public:
  PickleSequence(const Data& data, const std::string& where) : data_(data), where_(where) {}

  Pickle next() {
    const Data rest = data_.part(position_, data_.size() - position_);
    Pickle pickle = read_checkpoint_pickle(rest, where_, foreign_);
    position_ += pickle.size;
    return pickle;
  }

  std::size_t position() const { return position_; }
  /// Classes of objects that stay unread, of all pickles so far.
  const std::vector<std::string>& foreign() const { return foreign_; }

 private:
  const Data& data_;
  const std::string& where_;
  std::vector<std::string> foreign_;
  std::size_t position_ = 0;
};

void check_header(PickleSequence& pickles, const std::string& where) {
  const Pickle number = pickles.next();
  const auto* big = number.get_if<PickleBigInteger>(number.root);
  if (!big || big->bytes != magic_text())
    refuse(where, "the file does not begin with PyTorch's magic number");
  const Pickle version = pickles.next();
  if (integer_in(version, version.root) != protocol_version)
    refuse(where,
           "the file has an unknown protocol version: save it with torch.save of PyTorch 1.6 or later");
  const Pickle system = pickles.next();
  const auto entries = entries_in(system, system.root);
  const auto little = entries ? value_under(system, *entries, "little_endian") : std::nullopt;
  if (!little || integer_in(system, *little) != 1)
    refuse(where,
           "the checkpoint was saved on a big-endian machine: load and save it with PyTorch on a "
           "little-endian one");
}

/// Bytes per element of every storage that the pickle refers to, by key. Storages stand in the file with
/// their number of elements only.
std::map<std::string, std::size_t, std::less<>> element_sizes(const Pickle& pickle) {
  constexpr std::pair<std::string_view, std::size_t> sizes[] = {
      {"DoubleStorage", 8},        {"FloatStorage", 4}, {"HalfStorage", 2},    {"BFloat16Storage", 2},
      {"LongStorage", 8},          {"IntStorage", 4},   {"ShortStorage", 2},   {"CharStorage", 1},
      {"ByteStorage", 1},          {"BoolStorage", 1},  {"UntypedStorage", 1}, {"ComplexFloatStorage", 8},
      {"ComplexDoubleStorage", 16}};
  std::map<std::string, std::size_t, std::less<>> found;
  for (const PickleValue& value : pickle.values) {
    const auto* persistent = std::get_if<PicklePersistent>(&value);
    const auto* fields = persistent ? items_in(pickle, persistent->identity) : nullptr;
    if (!fields || fields->size() < 3) continue;
    const auto* type = pickle.get_if<PickleGlobal>((*fields)[1]);
    const auto key = string_in(pickle, (*fields)[2]);
    if (!type || !key) continue;
    const auto entry = std::find_if(std::begin(sizes), std::end(sizes),
                                    [&](const auto& candidate) { return candidate.first == type->name; });
    if (entry != std::end(sizes)) found.emplace(*key, entry->second);
  }
  return found;
}

using StorageMap = std::map<std::string, Data, std::less<>>;

/// The storages, which follow in the order of the list of keys: a 64-bit number of elements and the elements
/// each.
StorageMap read_storages(const Data& data, PickleSequence& pickles, const Pickle& object,
                         const std::string& where) {
  const Pickle keys = pickles.next();
  const auto* items = items_in(keys, keys.root);
  if (!items) refuse(where, "the list of storages is missing: the file is damaged, get it anew");
  const auto sizes = element_sizes(object);
  ByteCursor cursor(data.bytes(), "the storages", where, pickles.position());
  StorageMap storages;
  for (const PickleId item : *items) {
    const auto key = string_in(keys, item);
    const auto size = key ? sizes.find(*key) : sizes.end();
    if (size == sizes.end())
      refuse(where, "a storage is unknown to the pickle: the file is damaged, get it anew");
    const auto count = cursor.number<std::uint64_t>();
    if (count > cursor.remaining() / size->second)
      refuse(where, "storage " + printable(size->first) + " claims " + std::to_string(count) +
                        " elements, more than the file holds: it is truncated or damaged, get it anew");
    const std::size_t begin = cursor.position();
    const std::size_t bytes = cursor.take(count * size->second).size();
    if (!storages.emplace(*key, data.part(begin, bytes)).second)
      refuse(where, "storage " + printable(size->first) + " occurs twice: the file is damaged, get it anew");
  }
  return storages;
}

}  // namespace

bool is_legacy_checkpoint(ByteView bytes) {
  // PROTO, from protocol 4 on FRAME, and LONG1 of 10 bytes.
  const std::string number = "\x8a\x0a" + std::string(magic_text());
  const std::string_view text = text_of(bytes);
  constexpr std::size_t proto_size = 2;
  constexpr std::size_t frame_size = 9;
  if (text.size() < proto_size + frame_size || text[0] != '\x80') return false;
  return text.substr(proto_size).starts_with(number) ||
         text.substr(proto_size + frame_size).starts_with(number);
}

CheckpointSource open_legacy_checkpoint(const Data& data, const std::string& where) {
  PickleSequence pickles(data, where);
  check_header(pickles, where);
  CheckpointSource source;
  source.pickle = pickles.next();
  source.foreign = pickles.foreign();
  const auto storages =
      std::make_shared<const StorageMap>(read_storages(data, pickles, source.pickle, where));
  source.storages = [storages, where](std::string_view key, std::uint64_t size) {
    const auto found = storages->find(key);
    if (found == storages->end() || found->second.size() != size)
      refuse(where, "storage \"" + std::string(key) +
                        "\" is missing or of another size: the file is damaged, get it anew");
    return found->second;
  };
  return source;
}

}  // namespace calib8
