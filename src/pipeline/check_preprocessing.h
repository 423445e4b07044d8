#pragma once

#include <functional>
#include <memory>

#include "discover/discover.h"
#include "image/preprocess.h"
#include "report/export_report.h"
#include "runtime/litert_library.h"

namespace calib8 {

/// Runs the float model on labelled images under the declared preprocessing and its usual mistakes. Where one
/// scores clearly better, its own mistakes are tried too, once, so that two at a time are found. Images that
/// can't be read are left out. Needs a classifier of as many outputs as there are classes.
PreprocessingCheck check_preprocessing(
    const FloatModel& model, const Preprocessing& declared, const ImageList& images, std::size_t classes,
    const std::shared_ptr<const LiteRt>& litert, int threads,
    const std::function<void(std::size_t done, std::size_t total)>& progress);

}  // namespace calib8
