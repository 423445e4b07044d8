#pragma once

#include <cstdint>
#include <optional>

#include "base/bytes.h"

namespace calib8 {

/// The first value of a tag in the first directory of a TIFF file (or of an EXIF block, which is one),
/// classic or BigTIFF, as Pillow reads it: of repeated entries the first counts, entries whose values would
/// together be larger than the file are left out, and the first one whose values lie outside ends the
/// directory. None where there is no such entry; 0 where it isn't a whole number. Takes any bytes.
std::optional<std::uint64_t> find_tiff_number(ByteView file, std::uint64_t tag);

}  // namespace calib8
