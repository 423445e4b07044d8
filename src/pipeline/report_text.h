#pragma once

#include <nlohmann/json.hpp>

#include "calib8/report.h"
#include "pipeline/representative_data.h"

namespace calib8 {

/// The object with the samples that were used, each with its path and hash: lists "calibration",
/// "verification" (where that set isn't null) and "selection" (where that set isn't empty) in its member
/// "dataset". Where there are no samples,
/// or they were given as arrays, the object alone. Bytes that aren't UTF-8 are replaced, in paths with the
/// bytes beside them ("path_hex").
///
/// Lists of images are made sample by sample while the text is written; the report shares their names and
/// hashes with `data`, and nothing else.
Report make_report(nlohmann::json object, const RepresentativeData& data);

}  // namespace calib8
