#pragma once

#include <map>
#include <string>

#include "pipeline/source.h"

namespace calib8 {

/// Takes what an ONNX file's metadata say beside the network: a config, as that of a checkpoint, names of
/// classes, and where Ultralytics wrote it, how images are preprocessed.
void take_metadata(const std::map<std::string, std::string>& metadata, Source& source);

/// Gives the image its size: that of --input-size, or where the model leaves it open the one that the
/// metadata name. Notes what a person should know of it.
void set_size(OnnxGraph& graph, const ExportOptions& options, Source& source);

}  // namespace calib8
