#include "calib8/inspect.h"

#include "pipeline/readers/model_readers.h"

namespace calib8 {

std::string inspect(const std::filesystem::path& path, bool as_json) {
  const std::filesystem::path model = model_file(path).file;
  const Data file = map_file(model);
  return reader_of(file.bytes()).inspect(file, model, as_json);
}

}  // namespace calib8
