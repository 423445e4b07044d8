#include <avif/avif.h>
#include <fmt/format.h>

#include <memory>

#include "calib8/error.h"
#include "image/decode_formats.h"
#include "image/decode_orientation.h"
#include "image/system_library.h"

namespace calib8 {
namespace {

/// A flat picture takes the same few bytes whatever its size.
constexpr double kLeastBitsPerPixel = 0;

/// What is used of libavif.
struct Avif {
  explicit Avif(const std::string& where) : library(CALIB8_AVIF_LIBRARY, "AVIF", where) {}

  SystemLibrary library;
  decltype(&avifCodecName) codec_name = library.get<decltype(codec_name)>("avifCodecName");
  decltype(&avifDecoderCreate) decoder_create = library.get<decltype(decoder_create)>("avifDecoderCreate");
  decltype(&avifDecoderDestroy) decoder_destroy =
      library.get<decltype(decoder_destroy)>("avifDecoderDestroy");
  decltype(&avifDecoderSetIOMemory) decoder_set_memory =
      library.get<decltype(decoder_set_memory)>("avifDecoderSetIOMemory");
  decltype(&avifDecoderParse) decoder_parse = library.get<decltype(decoder_parse)>("avifDecoderParse");
  decltype(&avifDecoderNextImage) decoder_next_image =
      library.get<decltype(decoder_next_image)>("avifDecoderNextImage");
  decltype(&avifImageYUVToRGB) image_to_rgb = library.get<decltype(image_to_rgb)>("avifImageYUVToRGB");
  decltype(&avifRGBImageSetDefaults) rgb_set_defaults =
      library.get<decltype(rgb_set_defaults)>("avifRGBImageSetDefaults");
  decltype(&avifResultToString) result_to_string =
      library.get<decltype(result_to_string)>("avifResultToString");
};

const Avif& avif_for(const std::string& where) {
  static const Avif avif(where);  // tried again where it failed
  return avif;
}

void check(const Avif& avif, avifResult result, const std::string& where) {
  if (result == AVIF_RESULT_OK) return;
  throw Error(ErrorCode::dataset, fmt::format("can't be decoded as AVIF: {}", avif.result_to_string(result)),
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
  const Avif& avif = avif_for(where);
  const std::unique_ptr<avifDecoder, decltype(Avif::decoder_destroy)> decoder(avif.decoder_create(),
                                                                              avif.decoder_destroy);
  if (!decoder) throw Error(ErrorCode::dataset, "not enough memory to decode the AVIF", where);
  decoder->maxThreads = 1;
  // AV1 decodes to the same bits by any decoder; dav1d prints what it finds damaged.
  if (avif.codec_name(AVIF_CODEC_CHOICE_AOM, AVIF_CODEC_FLAG_CAN_DECODE) != nullptr)
    decoder->codecChoice = AVIF_CODEC_CHOICE_AOM;
  decoder->imageSizeLimit = static_cast<std::uint32_t>(kMaximumPixels);
  decoder->strictFlags = AVIF_STRICT_DISABLED;  // as Pillow
  check(
      avif,
      avif.decoder_set_memory(decoder.get(), reinterpret_cast<const std::uint8_t*>(file.data()), file.size()),
      where);
  check(avif, avif.decoder_parse(decoder.get()), where);
  Image image =
      allocate_image(decoder->image->width, decoder->image->height, file.size(), kLeastBitsPerPixel, where);
  check(avif, avif.decoder_next_image(decoder.get()), where);
  if (static_cast<int>(decoder->image->width) != image.width ||
      static_cast<int>(decoder->image->height) != image.height)
    throw Error(ErrorCode::dataset, "can't be decoded as AVIF: its sizes disagree", where);
  avifRGBImage rgb{};
  avif.rgb_set_defaults(&rgb, decoder->image);
  rgb.format = AVIF_RGB_FORMAT_RGB;
  rgb.depth = 8;
  rgb.ignoreAlpha = AVIF_TRUE;
  rgb.pixels = image.pixels.data();
  rgb.rowBytes = static_cast<std::uint32_t>(image.width) * 3;
  check(avif, avif.image_to_rgb(decoder->image, &rgb), where);
  return options.exif_orientation ? turn_upright(std::move(image), orientation_of(*decoder->image)) : image;
}

}  // namespace calib8
