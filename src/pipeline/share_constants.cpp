#include "pipeline/share_constants.h"

#include <algorithm>
#include <string_view>
#include <unordered_map>

#include "read/tflite.h"

namespace calib8 {

void share_constants(TfliteGraph& graph, const Data& file) {
  const TfliteGraph written = read_tflite(file, "the float model");
  std::unordered_map<std::string_view, Data> by_name;
  for (std::size_t i = 0; i < written.value_count(); ++i) {
    const TfliteTensor& tensor = written[written.value_at(i)];
    if (tensor.is_constant()) by_name.emplace(tensor.name, *tensor.constant);
  }
  for (std::size_t i = 0; i < graph.value_count(); ++i) {
    TfliteTensor& tensor = graph[graph.value_at(i)];
    if (!tensor.is_constant()) continue;
    const auto found = by_name.find(tensor.name);
    if (found == by_name.end()) continue;
    // Names are made distinct in the file: only the bytes tell that it is the same constant.
    const ByteView mine = tensor.constant->bytes(), theirs = found->second.bytes();
    if (std::equal(mine.begin(), mine.end(), theirs.begin(), theirs.end())) tensor.constant = found->second;
  }
}

}  // namespace calib8
