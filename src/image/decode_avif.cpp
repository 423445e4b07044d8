#include <avif/avif.h>
#include <fmt/format.h>

#include <memory>

#include "calib8/error.h"
#include "image/decode_formats.h"
#include "image/decode_orientation.h"

namespace calib8 {
namespace {

/// A flat picture takes the same few bytes whatever its size.
constexpr double kLeastBitsPerPixel = 0;

void check(avifResult result, const std::string& where) {
  if (result == AVIF_RESULT_OK) return;
  throw Error(ErrorCode::dataset, fmt::format("can't be decoded as AVIF: {}", avifResultToString(result)),
              where);
}

/// The file's own turn and mirror as EXIF numbers them; what Pillow makes of them.
int orientation_of(const avifImage& image) {
  const bool turns = (image.transformFlags & AVIF_TRANSFORM_IROT) != 0;
  const bool mirrors = (image.transformFlags & AVIF_TRANSFORM_IMIR) != 0;
  const int quarter = turns ? image.irot.angle & 3 : 0;  // against the clock
  if (!mirrors) {
    constexpr int turned[] = {1, 8, 3, 6};
    return turned[quarter];
  }
  constexpr int top_to_bottom[] = {4, 5, 2, 7}, left_to_right[] = {2, 7, 4, 5};
  return image.imir.mode != 0 ? left_to_right[quarter] : top_to_bottom[quarter];
}

}  // namespace

Image decode_avif(ByteView file, const std::string& where, const DecodeOptions& options) {
  const std::unique_ptr<avifDecoder, decltype(&avifDecoderDestroy)> decoder(avifDecoderCreate(),
                                                                            &avifDecoderDestroy);
  if (!decoder) throw Error(ErrorCode::dataset, "not enough memory to decode the AVIF", where);
  decoder->maxThreads = 1;
  // AV1 decodes to the same bits by any decoder; dav1d prints what it finds damaged.
  if (avifCodecName(AVIF_CODEC_CHOICE_AOM, AVIF_CODEC_FLAG_CAN_DECODE) != nullptr)
    decoder->codecChoice = AVIF_CODEC_CHOICE_AOM;
  decoder->imageSizeLimit = static_cast<std::uint32_t>(kMaximumPixels);
  decoder->strictFlags = AVIF_STRICT_DISABLED;  // as Pillow
  check(
      avifDecoderSetIOMemory(decoder.get(), reinterpret_cast<const std::uint8_t*>(file.data()), file.size()),
      where);
  check(avifDecoderParse(decoder.get()), where);
  Image image =
      allocate_image(decoder->image->width, decoder->image->height, file.size(), kLeastBitsPerPixel, where);
  check(avifDecoderNextImage(decoder.get()), where);
  if (static_cast<int>(decoder->image->width) != image.width ||
      static_cast<int>(decoder->image->height) != image.height)
    throw Error(ErrorCode::dataset, "can't be decoded as AVIF: its sizes disagree", where);
  avifRGBImage rgb{};
  avifRGBImageSetDefaults(&rgb, decoder->image);
  rgb.format = AVIF_RGB_FORMAT_RGB;
  rgb.depth = 8;
  rgb.ignoreAlpha = AVIF_TRUE;
  rgb.pixels = image.pixels.data();
  rgb.rowBytes = static_cast<std::uint32_t>(image.width) * 3;
  check(avifImageYUVToRGB(decoder->image, &rgb), where);
  return options.exif_orientation ? turn_upright(std::move(image), orientation_of(*decoder->image)) : image;
}

}  // namespace calib8
