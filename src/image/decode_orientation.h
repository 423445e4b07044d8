#pragma once

#include <optional>

#include "base/bytes.h"
#include "image/image.h"

namespace calib8 {

/// How a picture must be turned to stand upright, 1 to 8 as TIFF and EXIF number it; 1 is as it is, and so is
/// 0 for an entry that means nothing. The functions below take hostile bytes, read nothing beyond them, and
/// find nothing in what is damaged.

/// Of an EXIF block: a TIFF directory, with or without "Exif\0\0" before it.
std::optional<int> find_exif_orientation(ByteView exif);

/// Of an XMP packet: the first tiff:Orientation, as an attribute or an element.
std::optional<int> find_xmp_orientation(ByteView xmp);

/// What a JPEG file's APP1 segments say, EXIF before XMP; 1 where they say nothing.
int orientation_of_jpeg(ByteView file);

/// What a WebP file's EXIF and XMP chunks say; 1 where they say nothing.
int orientation_of_webp(ByteView file);

/// The picture turned by an orientation; of those outside 2 to 8 it comes back as it is.
Image turn_upright(Image image, int orientation);

}  // namespace calib8
