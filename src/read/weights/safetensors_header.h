#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/shape.h"

namespace calib8 {

/// What a safetensors header says of one tensor, as it stands there.
struct SafetensorsEntry {
  std::string name;
  std::string dtype;                 ///< "F32"
  Shape shape;                       ///< Sizes from 0 to 2^63 - 1.
  std::uint64_t begin = 0, end = 0;  ///< Bytes, from the end of the header.
};

struct SafetensorsHeader {
  std::vector<SafetensorsEntry> entries;        ///< In the order of the header.
  std::map<std::string, std::string> metadata;  ///< "__metadata__"
};

/// Parses the JSON of a safetensors header: an object from tensor names to {"dtype": text, "shape": [sizes],
/// "data_offsets": [begin, end]}, each of the three once and nothing else, and "__metadata__" from text to
/// text. Names, and keys of the metadata, occur once. Spaces may follow, as the format pads with them.
/// Nothing is checked against the data yet. `where` names the file. Fails with ErrorCode::model.
SafetensorsHeader parse_safetensors_header(std::string_view text, const std::string& where);

}  // namespace calib8
