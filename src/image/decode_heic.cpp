#include <fmt/format.h>
#include <libheif/heif.h>

#include <cstring>
#include <memory>

#include "calib8/error.h"
#include "image/decode_formats.h"

namespace calib8 {
namespace {

/// A flat picture takes the same few bytes whatever its size.
constexpr double kLeastBitsPerPixel = 0;

template <class T>
using Owned = std::unique_ptr<T, void (*)(const T*)>;

void check(const heif_error& error, const std::string& where) {
  if (error.code == heif_error_Ok) return;
  throw Error(
      ErrorCode::dataset,
      fmt::format("can't be decoded as HEIC: {}", error.message ? error.message : "the file is damaged"),
      where);
}

}  // namespace

Image decode_heic(ByteView file, const std::string& where) {
  const std::unique_ptr<heif_context, decltype(&heif_context_free)> context(heif_context_alloc(),
                                                                            &heif_context_free);
  if (!context) throw Error(ErrorCode::dataset, "not enough memory to decode the HEIC", where);
  heif_context_set_maximum_image_size_limit(context.get(), static_cast<int>(kLongestImageSide));
  heif_context_set_max_decoding_threads(context.get(), 0);  // images are decoded side by side already
  check(heif_context_read_from_memory_without_copy(context.get(), file.data(), file.size(), nullptr), where);
  heif_image_handle* opened = nullptr;
  check(heif_context_get_primary_image_handle(context.get(), &opened), where);
  const Owned<heif_image_handle> handle(opened, &heif_image_handle_release);
  check_image_size(heif_image_handle_get_width(handle.get()), heif_image_handle_get_height(handle.get()),
                   file.size(), kLeastBitsPerPixel, where);
  heif_image* picture = nullptr;
  check(heif_decode_image(handle.get(), &picture, heif_colorspace_RGB, heif_chroma_interleaved_RGB, nullptr),
        where);
  const Owned<heif_image> decoded(picture, &heif_image_release);
  Image image = allocate_image(heif_image_get_width(decoded.get(), heif_channel_interleaved),
                               heif_image_get_height(decoded.get(), heif_channel_interleaved), file.size(),
                               kLeastBitsPerPixel, where);
  int stride = 0;
  const std::uint8_t* rows = heif_image_get_plane_readonly(decoded.get(), heif_channel_interleaved, &stride);
  if (!rows) throw Error(ErrorCode::dataset, "can't be decoded as HEIC: it has no pixels", where);
  const std::size_t width = static_cast<std::size_t>(image.width) * 3;
  for (int y = 0; y < image.height; ++y)
    std::memcpy(image.pixels.data() + static_cast<std::size_t>(y) * width,
                rows + static_cast<std::ptrdiff_t>(y) * stride, width);
  return image;
}

}  // namespace calib8
