#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "calib8/export.h"
#include "pipeline/output_files.h"
#include "pipeline/representative_data.h"
#include "report/export_report.h"

namespace calib8 {

/// An export on its way: what all stages need, and what they tell of themselves.
class ExportRun {
 public:
  explicit ExportRun(const ExportOptions& export_options);

  const ExportOptions& options;
  const int threads;
  OutputFiles outputs;
  ExportReport report;
  std::vector<Data> files;  ///< What the model was read from, as long as a graph's constants may lie in it.

  /// Fails with ErrorCode::model where one of the files was changed meanwhile.
  void require_unchanged_files() const;
  /// Fails with ErrorCode::usage: no stage of this export comes to the pass of --stop-after.
  [[noreturn]] void refuse_stop() const;
  /// Notes how long the stage took that ends here.
  void end_stage(const char* stage);
  /// Shows a graph where that was asked for.
  void dump(std::string_view stage, const std::string& text) const;
  /// A function that tells where a stage is.
  auto progress(std::string_view stage) const {
    return [this, stage](std::size_t done, std::size_t total) {
      if (options.progress) options.progress({stage, done, total});
    };
  }
  /// Writes the metadata where there is a .tflite file, and puts all files in their places.
  ExportResult finish(const RepresentativeData& data = {});

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point start_ = Clock::now();
  Clock::time_point stage_start_ = start_;
};

/// The type of the model's inputs and outputs; never automatic.
ModelIo io_of(const ExportOptions& options);

/// How the .tflite file's numbers are stored, as the metadata has it: "int8", "int8 weights", "float16
/// weights", "float32".
std::string stored_type(QuantizeTo quantize);

}  // namespace calib8
