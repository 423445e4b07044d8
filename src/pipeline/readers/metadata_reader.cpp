#include "pipeline/readers/model_readers.h"
#include "report/json_fields.h"
#include "report/read_report.h"
#include "report/summary.h"

namespace calib8 {
namespace {

bool looks_like_json(ByteView bytes) {
  return !bytes.empty() && static_cast<char>(bytes.front()) == '{';
}

std::string inspect_metadata(const Data& file, const std::filesystem::path& path, bool as_json) {
  const std::string_view text(reinterpret_cast<const char*>(file.bytes().data()), file.size());
  const JsonFields metadata = JsonFields::parse(text, path.string());
  const ExportReport report = read_report(metadata);
  return as_json ? metadata.printed() : summarize(report);
}

}  // namespace

const ModelReader metadata_reader = {"a JSON file", looks_like_json, nullptr, inspect_metadata};

}  // namespace calib8
