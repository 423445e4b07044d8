#include "image/encode.h"

// jpeglib.h needs stdio.h before it.
// clang-format off
#include <cstdio>
#include <jpeglib.h>
// clang-format on
#include <spng.h>

#include <cstdlib>
#include <memory>

#include "calib8/error.h"

namespace calib8 {
namespace {

std::vector<std::byte> copy(const void* bytes, std::size_t size) {
  const auto* begin = static_cast<const std::byte*>(bytes);
  return {begin, begin + size};
}

/// An own picture can't be wrong, so a failure is a bug or too little memory.
[[noreturn]] void fail_to_encode(j_common_ptr) {
  throw Error(ErrorCode::internal, "a picture can't be written as JPEG");
}

struct Compressor {
  Compressor() {
    state.err = jpeg_std_error(&errors);
    errors.error_exit = fail_to_encode;
    jpeg_create_compress(&state);
    jpeg_mem_dest(&state, &buffer, &size);
  }
  ~Compressor() {
    jpeg_destroy_compress(&state);
    std::free(buffer);
  }
  Compressor(const Compressor&) = delete;
  Compressor& operator=(const Compressor&) = delete;

  jpeg_compress_struct state{};
  jpeg_error_mgr errors{};
  unsigned char* buffer = nullptr;
  unsigned long size = 0;  // NOLINT: libjpeg's type
};

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
  jpeg_compress_struct& state = compressor.state;
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
  return copy(compressor.buffer, compressor.size);
}

}  // namespace calib8
