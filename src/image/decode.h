#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "image/image.h"

namespace calib8 {

/// Pictures of more pixels are refused before anything is allocated for them. The limit is the one at which
/// Pillow reports a decompression bomb.
inline constexpr std::int64_t kMaximumPixels = 178'956'970;

/// And pictures of a longer side: what is computed for each position of a side would outweigh the pixels.
inline constexpr std::int64_t kLongestImageSide = std::int64_t{1} << 20;

/// The kinds of files that decode_image reads.
enum class ImageFormat : std::uint8_t { jpeg, png, webp, bmp, tiff, pnm, gif, avif, heic, unknown };

/// What the first bytes of a file say; its name has no part in it. Costs nothing and never fails: damage
/// further on shows when the file is decoded.
ImageFormat format_of(ByteView file);

/// "JPEG", "PNG", "WebP", "BMP", "TIFF", "PNM", "GIF", "AVIF", "HEIC", or "unknown".
std::string_view name_of(ImageFormat format);

struct DecodeOptions {
  /// Turn the picture as Pillow's ImageOps.exif_transpose does: as the EXIF of a JPEG, PNG or WebP file says,
  /// or its XMP where there is no EXIF orientation. What can't be understood there leaves the picture as it
  /// is.
  bool exif_orientation = false;
};

/// Decodes a file whose format_of is known to the same bytes as Pillow's `Image.open(file).convert("RGB")`:
///
/// - all: alpha and transparency dropped, palettes looked up, colour profiles ignored, 16 bit colour cut to
///   its high byte, 16 bit gray clipped at 255 (Image::clipped says so), EXIF orientation ignored unless
///   asked for, of several pictures the first.
/// - JPEG: baseline and progressive, 8 bit; default upsampling and DCT; CMYK and YCCK taken as Adobe writes
///   them (inverted).
/// - PNG: all kinds; of an animation the default picture.
/// - WebP: lossy and lossless; of an animation the first frame on black.
/// - BMP: Windows and OS/2 headers; 1, 4, 8, 16, 24 and 32 bit; the usual bit fields; RLE4 and RLE8.
/// - TIFF: strips and tiles, contiguous and planar, either byte order; bilevel, gray of 2, 4, 8 and 16 bit,
///   palettes, RGB and CMYK of 8 and 16 bit with up to six samples (colours multiplied by alpha are divided
///   by it), YCbCr; not compressed or by CCITT, LZW, deflate, PackBits, JPEG, LZMA or Zstandard. The
///   orientation tag is always obeyed, since Pillow does. Refused by name: float and signed samples, 12 and
///   32 bit ones, L*a*b*, old-style JPEG, premultiplied gray, uncompressed YCbCr,
///   big-endian 16 bit gray whose zero is white (little-endian, Pillow takes it without inverting, and so do
///   we).
///
/// - PNM (.ppm, .pgm, .pbm): P1 to P6, of 1 to 16 bit.
/// - GIF: the first picture on the file's canvas.
/// - AVIF: by libavif, whose versions may differ from Pillow's own by a few levels; the file's own turning is
///   obeyed where EXIF orientation is asked for.
/// - HEIC: by libheif, for which Pillow needs a plugin (pillow-heif); the file's own turning is always
/// obeyed,
///   as there.
///
/// Where this differs from Pillow: BMP of 4 and 8 bit whose palette is black and white, and uncompressed
/// planar TIFF of 16 bit, are read as their formats say, where Pillow gives an error or noise; a side over
/// kLongestImageSide is refused; and damage that Pillow fills up is refused more often (files that are cut
/// short within their pixels are refused by both).
///
/// `where` names the file in errors. Fails with ErrorCode::dataset where the bytes are of another format, are
/// damaged or cut short, or claim more than kMaximumPixels. Nothing is printed but by
/// libheif's decoder, on damaged HEIC. Besides the file and the
/// result it takes at most about as much memory as the result, and for progressive JPEG twice as much.
Image decode_image(ByteView file, const std::string& where, const DecodeOptions& options = {});

}  // namespace calib8
