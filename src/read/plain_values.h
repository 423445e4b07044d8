#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "container/pickle.h"

namespace calib8 {

/// What plain values may add up to as JSON, where shared ones are written each time.
struct PlainValueLimits {
  std::size_t values = std::size_t{1} << 20;
  std::size_t text = std::size_t{1} << 26;  ///< Bytes of all strings together.
  std::size_t depth = 100;
};

/// Turns pickled plain values into JSON: None, bool, numbers, str (bytes too, as Latin-1); tuples, lists,
/// sets and torch.Size as arrays; dicts (their keys as text), OrderedDict, defaultdict, Counter and
/// argparse.Namespace as objects; NumPy scalars and arrays as numbers and nested arrays; paths, dates, times
/// (ISO 8601), dtypes and devices as strings, a timedelta as seconds, ints beyond 64 bits as hexadecimal
/// strings.
class PlainValueReader {
 public:
  PlainValueReader(const Pickle& pickle, const std::string& where, const PlainValueLimits& limits = {})
      : pickle_(pickle), where_(where), limits_(limits) {}

  /// The value as JSON; nothing for what has no plain form, a tensor for one. Inside containers such values
  /// are left out of objects and null in arrays. Fails with ErrorCode::model beyond the limits.
  std::optional<nlohmann::json> read(PickleId id);

 private:
  std::optional<nlohmann::json> read_object(PickleId id);
  nlohmann::json read_array(const std::vector<PickleId>& items);
  nlohmann::json read_entries(const PickleEntries& entries);
  std::string read_key(PickleId id);
  std::string read_path(const std::vector<PickleId>& parts);
  std::string read_device(const std::vector<PickleId>& arguments);
  void spend(std::size_t values, std::size_t text);

  const Pickle& pickle_;
  const std::string& where_;
  PlainValueLimits limits_;
  std::size_t values_ = 0;
  std::size_t text_ = 0;
  std::size_t depth_ = 0;
};

}  // namespace calib8
