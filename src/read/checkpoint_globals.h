#pragma once

#include <string>
#include <string_view>

#include "base/bytes.h"

namespace calib8 {

/// Whether a checkpoint may name this class or function. Two lists: what torch.save writes for a state_dict
/// (torch's rebuild functions, storages and dtypes, torch.Size, OrderedDict, builtin containers), and what
/// stands beside one as plain values (NumPy scalars and arrays, argparse.Namespace, pathlib, datetime,
/// defaultdict). Nothing is called in either case; a name is on a list only where its meaning is known to the
/// reader.
bool is_allowed_global(std::string_view module, std::string_view name);

/// Fails with ErrorCode::model, naming the global, where it is not allowed. `pickle`, the bytes that name it,
/// is searched for signs of a whole pickled module, which gets advice of its own.
void check_global(std::string_view module, std::string_view name, ByteView pickle, const std::string& where);

}  // namespace calib8
