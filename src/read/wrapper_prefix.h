#pragma once

#include <string>
#include <vector>

namespace calib8 {

/// Takes off what wrappers put before the names of the model's tensors: "module." (DataParallel,
/// DistributedDataParallel, AveragedModel) and "model." (Lightning and others) where all names begin with it,
/// as often as they do, and "_orig_mod." (torch.compile) and the like wherever they stand. Leaves all names
/// as they are where two would become equal. Returns the prefix that was taken off.
std::string strip_wrapper_prefixes(std::vector<std::string>& names);

}  // namespace calib8
