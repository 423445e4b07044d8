#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "discover/discover.h"
#include "image/preprocess.h"
#include "pipeline/float_model.h"
#include "report/export_report.h"
#include "runtime/litert_library.h"

namespace calib8 {

/// The model at other input sizes, which training may have used.
struct OtherSizes {
  std::vector<std::pair<int, int>> sizes;  ///< height, width
  /// The model for one of them; nothing where it can't be had.
  std::function<std::optional<LoweredModel>(int height, int width)> model_at;
};

/// Sizes that networks are usually trained at, but the declared one: up to half as large again, or as large
/// as the pictures (`picture`, of their shorter sides) where those are larger, but not over 256 then.
std::vector<std::pair<int, int>> usual_sizes(int height, int width, int picture);

/// Runs the float model on labelled images under the declared preprocessing and its usual mistakes, and at
/// other sizes. Where one scores clearly better, its own mistakes are tried too, once, so that two at a time
/// are found. Images that can't be read are left out. Needs a classifier of as many outputs as there are
/// classes.
PreprocessingCheck check_preprocessing(
    const FloatModel& model, const Preprocessing& declared, const ImageList& images, std::size_t classes,
    const OtherSizes& other_sizes, const std::shared_ptr<const LiteRt>& litert, int threads,
    const std::function<void(std::size_t done, std::size_t total)>& progress);

}  // namespace calib8
