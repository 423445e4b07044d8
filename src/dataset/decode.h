#pragma once

#include <cstdint>
#include <string>

#include "base/bytes.h"
#include "dataset/image.h"

namespace calib8 {

/// Pictures of more pixels are refused before anything is allocated for them. The limit is the one at which
/// Pillow reports a decompression bomb.
inline constexpr std::int64_t kMaximumPixels = 178'956'970;

/// Decodes a JPEG or PNG file, told apart by content, to the same bytes as Pillow's
/// `Image.open(file).convert("RGB")`: default upsampling and DCT for JPEG, CMYK and YCCK taken as Adobe
/// writes them (inverted), alpha and transparency dropped, palettes looked up, 16 bit colour cut to its high
/// byte, EXIF orientation and colour profiles ignored. One stated difference: 16 bit gray is scaled (value /
/// 257, to nearest), where Pillow clips it at 255.
///
/// `where` names the file in errors. Fails with ErrorCode::dataset where the bytes are of another format, are
/// damaged or cut short, or claim more than kMaximumPixels. Nothing is ever printed.
Image decode_image(ByteView file, const std::string& where);

}  // namespace calib8
