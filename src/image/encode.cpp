#include "image/encode.h"

// jpeglib.h needs stdio.h before it.
// clang-format off
#include <cstdio>
#include <jpeglib.h>
// clang-format on
#include <fmt/format.h>
#include <spng.h>

#include <csetjmp>
#include <cstdlib>
#include <memory>

#include "calib8/error.h"

namespace calib8 {
namespace {

std::vector<std::byte> copy(const void* bytes, std::size_t size) {
  const auto* begin = static_cast<const std::byte*>(bytes);
  return {begin, begin + size};
}

/// libjpeg's state. It reports errors by longjmp, which may not pass over a destructor: what calls into it
/// holds nothing else, and this object's owner frees everything.
struct Compressor {
  jpeg_compress_struct state{};
  jpeg_error_mgr errors{};
  std::jmp_buf failed;
  unsigned char* buffer = nullptr;
  unsigned long size = 0;  // NOLINT: libjpeg's type

  Compressor() = default;
  Compressor(const Compressor&) = delete;
  Compressor& operator=(const Compressor&) = delete;
  ~Compressor() {
    jpeg_destroy_compress(&state);
    std::free(buffer);
  }
};

[[noreturn]] void leave(j_common_ptr state) {
  std::longjmp(static_cast<Compressor*>(state->client_data)->failed, 1);
}

/// False where libjpeg fails.
bool compress(Compressor& compressor, const Image& image, int quality) {
  jpeg_compress_struct& state = compressor.state;
  state.err = jpeg_std_error(&compressor.errors);
  state.client_data = &compressor;
  compressor.errors.error_exit = leave;
  if (setjmp(compressor.failed) != 0) return false;
  jpeg_create_compress(&state);
  state.client_data = &compressor;
  jpeg_mem_dest(&state, &compressor.buffer, &compressor.size);
  state.image_width = static_cast<JDIMENSION>(image.width);
  state.image_height = static_cast<JDIMENSION>(image.height);
  state.input_components = 3;
  state.in_color_space = JCS_RGB;
  jpeg_set_defaults(&state);
  jpeg_set_quality(&state, quality, TRUE);
  for (int c = 0; c < 3; ++c) state.comp_info[c].h_samp_factor = state.comp_info[c].v_samp_factor = 1;
  state.optimize_coding = TRUE;
  jpeg_start_compress(&state, TRUE);
  const std::size_t row_size = static_cast<std::size_t>(image.width) * 3;
  while (state.next_scanline < state.image_height) {
    auto* row = const_cast<JSAMPLE*>(image.pixels.data() + state.next_scanline * row_size);
    jpeg_write_scanlines(&state, &row, 1);
  }
  jpeg_finish_compress(&state);
  return true;
}

}  // namespace

std::vector<std::byte> encode_png(const Image& image) {
  const std::unique_ptr<spng_ctx, void (*)(spng_ctx*)> context(spng_ctx_new(SPNG_CTX_ENCODER), spng_ctx_free);
  spng_ihdr header{};
  header.width = static_cast<std::uint32_t>(image.width);
  header.height = static_cast<std::uint32_t>(image.height);
  header.bit_depth = 8;
  header.color_type = SPNG_COLOR_TYPE_TRUECOLOR;
  int status = spng_set_option(context.get(), SPNG_ENCODE_TO_BUFFER, 1);
  if (status == 0) status = spng_set_ihdr(context.get(), &header);
  if (status == 0) {
    status = spng_encode_image(context.get(), image.pixels.data(), image.pixels.size(), SPNG_FMT_PNG,
                               SPNG_ENCODE_FINALIZE);
  }
  std::size_t size = 0;
  const std::unique_ptr<void, void (*)(void*)> bytes(
      status == 0 ? spng_get_png_buffer(context.get(), &size, &status) : nullptr, std::free);
  if (!bytes || status != 0)
    throw Error(ErrorCode::internal,
                std::string("a picture can't be written as PNG: ") + spng_strerror(status));
  return copy(bytes.get(), size);
}

std::vector<std::byte> encode_jpeg(const Image& image, int quality) {
  Compressor compressor;
  if (!compress(compressor, image, quality)) {  // too large for the format, or for the memory
    throw Error(ErrorCode::internal,
                fmt::format("a picture of {}x{} can't be written as JPEG", image.width, image.height));
  }
  return copy(compressor.buffer, compressor.size);
}

}  // namespace calib8
