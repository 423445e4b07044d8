#pragma once

#include <cstddef>
#include <string>

#include "base/bytes.h"

namespace calib8 {

/// Maps the first `size` bytes (at least one) of an opened regular file for reading; the descriptor may be
/// closed afterwards. `name` says in errors which file it is. Fails with ErrorCode::model where it can't be
/// mapped.
///
/// Another program may truncate the file while it is mapped (torch.save() does so over an old checkpoint),
/// and a read behind the new end is SIGBUS then. From the first mapping on a handler of that signal knows all
/// of ours: it puts zeros there and the read goes on, until require_unchanged() tells. For any other address
/// it hands the signal on to the handler that was there before.
Data map_descriptor(int descriptor, std::size_t size, const std::string& name);

/// Fails with ErrorCode::model, naming the file, where these bytes lie in a mapped file that was truncated,
/// overwritten or became unreadable since it was mapped: what was read from it is worth nothing. Whoever has
/// read a file to its end calls this; bytes from elsewhere never fail.
void require_unchanged(const Data& data);

/// What `read` makes of a file's bytes, if they stayed the same meanwhile. That is the error then, not the
/// damage that the reader may have found.
template <class Read>
auto read_unchanged(const Data& data, Read&& read) {
  try {
    auto result = read();
    require_unchanged(data);
    return result;
  } catch (...) {
    require_unchanged(data);
    throw;
  }
}

}  // namespace calib8
