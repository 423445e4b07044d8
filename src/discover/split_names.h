#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace calib8 {

/// The part of a data set that a folder or a list holds, told by its name: best for calibration first, as
/// training has not seen what is held out.
enum class SplitKind { validation, development, test, training, none };

/// Reads a name in any case and spelling: "val", "Valid", "VALIDATION", "dev", "eval", "Testing", "test1",
/// "val2017", "seg_train", "test_set", "trainset". Words that say nothing ("set", "data", "images", numbers)
/// may stand beside the split's; any other word makes the name that of something else ("crash_test").
SplitKind split_of(std::string_view name);

/// Those of `names` (sorted) that are splits of these kinds, best first: by kind, then val before valid
/// before validation, then the shorter name.
std::vector<std::string> held_out_splits(const std::vector<std::string>& names);
std::vector<std::string> training_splits(const std::vector<std::string>& names);

}  // namespace calib8
