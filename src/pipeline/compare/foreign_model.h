#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <vector>

#include "report/export_report.h"
#include "run/model_pool.h"
#include "runtime/litert_library.h"
#include "samples/sample.h"

namespace calib8 {

/// An input or output of a .tflite file that stands for one of the float model's.
struct ForeignEdge {
  std::string name;             ///< As the file calls it.
  std::string of_model;         ///< As samples call it, of an input.
  bool channels_first = false;  ///< The file has [N, C, H, W] where the model has [N, H, W, C].
  Shape shape;                  ///< The file's.
};

/// A .tflite file that another tool made of the same model.
struct ForeignModel {
  RunnableModel runnable;
  std::vector<ForeignEdge> inputs;     ///< In the file's order.
  std::vector<ForeignEdge> outputs;    ///< In the float model's order,
  std::vector<std::size_t> places;     ///< and where they are in the file's.
  std::optional<PixelScaling> pixels;  ///< Of a file that takes pixels.
  std::uint64_t bytes = 0;
};

/// Opens it. Inputs and outputs go together by their names, or else by their order; integers need a scale,
/// and are pixels where `pixels` says what these stand for and the scale is 1 with all of 0 to 255 in the
/// type. Fails with ErrorCode::model where the file is none, LiteRT refuses it, or its inputs or outputs
/// aren't those of the float model.
ForeignModel open_foreign_model(const std::filesystem::path& path, const TfliteGraph& float_model,
                                const std::optional<PixelScaling>& pixels,
                                const std::shared_ptr<const LiteRt>& litert);

/// A sample as the file takes it.
Sample sample_for(const ForeignModel& model, const Sample& sample);

/// All outputs of each sample, as the float model orders them, one behind the other.
std::vector<std::vector<float>> outputs_of(const ForeignModel& model, const SampleSource& samples,
                                           const std::shared_ptr<const LiteRt>& litert, int threads,
                                           const StepCounter::Report& progress);

}  // namespace calib8
