#pragma once

#include <optional>
#include <string>

#include "optimize/forms/take_pixels.h"
#include "pipeline/export_run.h"
#include "pipeline/float_model.h"
#include "pipeline/representative_data.h"
#include "quantize/plan.h"

namespace calib8 {

/// What pixels stand for in the samples: by the images' preprocessing; itself where arrays hold whole numbers
/// from 0 to 255 and are so for all that calibrates. Nothing for other samples.
std::optional<PixelScaling> pixel_scaling(const RepresentativeData& data);

/// The float model with pixels as its input, where the options let that be tried and samples and model allow
/// it. With ModelInput::pixels fails where they don't: with ErrorCode::dataset or ErrorCode::model.
std::optional<PixelGraph> pixel_graph(const ExportOptions& options, const TfliteGraph& graph,
                                      const RepresentativeData& data);

/// The float model with pixels as its input, where ModelInput::pixels asks for that, by the preprocessing
/// that options and model declare; tells the report. Fails as pixel_graph() does.
std::optional<TfliteGraph> float_pixel_graph(ExportRun& run, const LoweredModel& model);

/// By how many decibels pixels must be ahead to be chosen: nothing where they are what the float model takes.
double least_gain_of_pixels(const PixelScaling& scaling);

/// The ranges that were observed, and 0 to 255 for what holds pixels.
Ranges with_pictures(Ranges ranges, const PixelGraph& pixels);

/// How the model that was written is fed, by the steps that images go through (null for arrays); nothing for
/// what takes no images, and for float models that take what the steps give.
std::optional<ModelInputDescription> describe_model_input(const TfliteGraph& written,
                                                          const Preprocessing* steps);

}  // namespace calib8
