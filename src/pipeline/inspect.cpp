#include "calib8/inspect.h"

#include "pipeline/readers/model_readers.h"

namespace calib8 {

std::string inspect(const std::filesystem::path& path, bool as_json) {
  const Data file = map_file(path);
  return reader_of(file.bytes()).inspect(file, path, as_json);
}

}  // namespace calib8
