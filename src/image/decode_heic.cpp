#include <fmt/format.h>
#include <libheif/heif.h>

#include <cstring>
#include <memory>

#include "calib8/error.h"
#include "image/decode_formats.h"
#include "image/system_library.h"

namespace calib8 {
namespace {

/// A flat picture takes the same few bytes whatever its size.
constexpr double kLeastBitsPerPixel = 0;

/// What is used of libheif.
struct Heif {
  explicit Heif(const std::string& where) : library(CALIB8_HEIF_LIBRARY, "HEIC", where) {}

  SystemLibrary library;
  decltype(&heif_context_alloc) context_alloc = library.get<decltype(context_alloc)>("heif_context_alloc");
  decltype(&heif_context_free) context_free = library.get<decltype(context_free)>("heif_context_free");
  decltype(&heif_context_set_maximum_image_size_limit) context_set_maximum_image_size_limit =
      library.get<decltype(context_set_maximum_image_size_limit)>(
          "heif_context_set_maximum_image_size_limit");
  decltype(&heif_context_set_max_decoding_threads) context_set_max_decoding_threads =
      library.get<decltype(context_set_max_decoding_threads)>("heif_context_set_max_decoding_threads");
  decltype(&heif_context_read_from_memory_without_copy) context_read_from_memory_without_copy =
      library.get<decltype(context_read_from_memory_without_copy)>(
          "heif_context_read_from_memory_without_copy");
  decltype(&heif_context_get_primary_image_handle) context_get_primary_image_handle =
      library.get<decltype(context_get_primary_image_handle)>("heif_context_get_primary_image_handle");
  decltype(&heif_image_handle_release) image_handle_release =
      library.get<decltype(image_handle_release)>("heif_image_handle_release");
  decltype(&heif_image_handle_get_width) image_handle_get_width =
      library.get<decltype(image_handle_get_width)>("heif_image_handle_get_width");
  decltype(&heif_image_handle_get_height) image_handle_get_height =
      library.get<decltype(image_handle_get_height)>("heif_image_handle_get_height");
  decltype(&heif_decode_image) decode_image = library.get<decltype(decode_image)>("heif_decode_image");
  decltype(&heif_image_release) image_release = library.get<decltype(image_release)>("heif_image_release");
  decltype(&heif_image_get_width) image_get_width =
      library.get<decltype(image_get_width)>("heif_image_get_width");
  decltype(&heif_image_get_height) image_get_height =
      library.get<decltype(image_get_height)>("heif_image_get_height");
  decltype(&heif_image_get_plane_readonly) image_get_plane_readonly =
      library.get<decltype(image_get_plane_readonly)>("heif_image_get_plane_readonly");
};

const Heif& heif_for(const std::string& where) {
  static const Heif heif(where);  // tried again where it failed
  return heif;
}

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
  const Heif& heif = heif_for(where);
  const std::unique_ptr<heif_context, decltype(Heif::context_free)> context(heif.context_alloc(),
                                                                            heif.context_free);
  if (!context) throw Error(ErrorCode::dataset, "not enough memory to decode the HEIC", where);
  heif.context_set_maximum_image_size_limit(context.get(), static_cast<int>(kLongestImageSide));
  heif.context_set_max_decoding_threads(context.get(), 0);  // images are decoded side by side already
  check(heif.context_read_from_memory_without_copy(context.get(), file.data(), file.size(), nullptr), where);
  heif_image_handle* opened = nullptr;
  check(heif.context_get_primary_image_handle(context.get(), &opened), where);
  const Owned<heif_image_handle> handle(opened, heif.image_handle_release);
  check_image_size(heif.image_handle_get_width(handle.get()), heif.image_handle_get_height(handle.get()),
                   file.size(), kLeastBitsPerPixel, where);
  heif_image* picture = nullptr;
  check(heif.decode_image(handle.get(), &picture, heif_colorspace_RGB, heif_chroma_interleaved_RGB, nullptr),
        where);
  const Owned<heif_image> decoded(picture, heif.image_release);
  Image image = allocate_image(heif.image_get_width(decoded.get(), heif_channel_interleaved),
                               heif.image_get_height(decoded.get(), heif_channel_interleaved), file.size(),
                               kLeastBitsPerPixel, where);
  int stride = 0;
  const std::uint8_t* rows = heif.image_get_plane_readonly(decoded.get(), heif_channel_interleaved, &stride);
  if (!rows) throw Error(ErrorCode::dataset, "can't be decoded as HEIC: it has no pixels", where);
  const std::size_t width = static_cast<std::size_t>(image.width) * 3;
  for (int y = 0; y < image.height; ++y)
    std::memcpy(image.pixels.data() + static_cast<std::size_t>(y) * width,
                rows + static_cast<std::ptrdiff_t>(y) * stride, width);
  return image;
}

}  // namespace calib8
