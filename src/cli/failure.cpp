#include "cli/failure.h"

#include <nlohmann/json.hpp>

#include "base/standard_streams.h"
#include "base/text.h"

namespace calib8::cli {
namespace {

const char* word_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::internal:
      return "internal";
    case ErrorCode::usage:
      return "usage";
    case ErrorCode::model:
      return "model";
    case ErrorCode::dataset:
      return "dataset";
    case ErrorCode::gate:
      return "gate";
    case ErrorCode::runtime:
      return "runtime";
    case ErrorCode::output:
      return "output";
    case ErrorCode::interrupted:
      return "interrupted";
  }
  return "internal";
}

std::string to_json(const Error& error) {
  nlohmann::ordered_json described = {{"code", word_of(error.code())},
                                      {"status", static_cast<int>(error.code())},
                                      {"message", valid_utf8(one_line(error.message()))},
                                      {"where", valid_utf8(one_line(error.where()))}};
  return nlohmann::ordered_json{{"error", std::move(described)}}.dump(1) + "\n";
}

}  // namespace

int report_failure(const Error& error, bool as_json) noexcept {
  try {
    write_standard_error("calib8: " + one_line(error.what()) + "\n");
    if (as_json) write_standard_output(to_json(error));
  } catch (const std::exception& unwritable) {  // standard output is closed or full, or there is no memory
    write_standard_error(unwritable.what());
    write_standard_error("\n");
  }
  return static_cast<int>(error.code());
}

}  // namespace calib8::cli
