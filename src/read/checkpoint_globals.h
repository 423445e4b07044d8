#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace calib8 {

/// Whether a checkpoint may name this class or function. Two lists: what torch.save writes for a state_dict
/// (torch's rebuild functions, storages and dtypes, torch.Size, OrderedDict, builtin containers), and what
/// stands beside one as plain values (NumPy scalars and arrays, argparse.Namespace, pathlib, datetime,
/// defaultdict). Nothing is called in either case; a name is on a list only where its meaning is known to the
/// reader.
bool is_allowed_global(std::string_view module, std::string_view name);

/// How a checkpoint may name a class or function: as a part of a state_dict or of plain values, or as an
/// object of another kind beside them (a loss, a transform, a scheduler, a class of the training script),
/// which stays unread. Fails with ErrorCode::model, naming the global, where it would run code if it were
/// called (nothing ever is: such a file is hostile) or would hide tensors of kinds that aren't read.
enum class GlobalKind { known, foreign };
GlobalKind kind_of_global(std::string_view module, std::string_view name, const std::string& where);

/// Fails with ErrorCode::model: the pickle holds no state_dict, but objects of these classes. `pickle`, the
/// bytes that name them, is searched for signs of a whole pickled module, which gets advice of its own.
[[noreturn]] void refuse_foreign(const std::vector<std::string>& globals, ByteView pickle,
                                 const std::string& where);

/// Whether the bytes show that a torch.nn.Module was pickled whole.
bool holds_pickled_module(ByteView pickle);

}  // namespace calib8
