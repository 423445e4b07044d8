#include <fmt/format.h>
#include <jpeglib.h>

#include <array>
#include <csetjmp>
#include <cstdint>
#include <cstdio>  // jpeglib.h needs FILE
#include <vector>

#include "calib8/error.h"
#include "image/decode_formats.h"

namespace calib8 {
namespace {

/// Every 8x8 block costs at least one bit, in the first scan, whatever the subsampling.
constexpr double kLeastBitsPerPixel = 1.0 / 64;

/// Encoders write about ten scans; a file of thousands exists to keep a decoder busy.
constexpr int kMostScans = 100;

/// Coefficients that libjpeg keeps of a progressive file, in bytes.
constexpr long kMostCoefficientMemory = 1L << 30;

/// libjpeg yields at most as many rows at a time as the vertical sampling factor, which is at most 4.
constexpr int kMostRowsAtOnce = 4;

/// libjpeg's state, with what its callbacks need. libjpeg reports errors by longjmp, so the functions that
/// call into it hold nothing that needs destruction; this object's owner frees everything.
struct Decoder {
  jpeg_decompress_struct info{};
  jpeg_error_mgr errors{};
  jpeg_source_mgr source{};
  jpeg_progress_mgr progress{};
  std::jmp_buf failed;
  std::array<char, JMSG_LENGTH_MAX> message{};

  Decoder() = default;
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;
  ~Decoder() { jpeg_destroy_decompress(&info); }
};

Decoder& decoder_of(j_common_ptr info) {
  return *static_cast<Decoder*>(info->client_data);
}

[[noreturn]] void report_error(j_common_ptr info) {
  Decoder& decoder = decoder_of(info);
  info->err->format_message(info, decoder.message.data());
  std::longjmp(decoder.failed, 1);
}

[[noreturn]] void report_error(Decoder& decoder, const char* message) {
  std::snprintf(decoder.message.data(), decoder.message.size(), "%s", message);
  std::longjmp(decoder.failed, 1);
}

void check_scans(j_common_ptr info) {
  Decoder& decoder = decoder_of(info);
  if (decoder.info.input_scan_number > kMostScans) report_error(decoder, "has over 100 scans");
}

/// The whole file is in memory: whoever asks for more has come to its end.
boolean fill_input(j_decompress_ptr info) {
  report_error(decoder_of(reinterpret_cast<j_common_ptr>(info)), "the file is cut short");
}

void skip_input(j_decompress_ptr info, long count) {
  if (count <= 0) return;
  if (static_cast<std::size_t>(count) > info->src->bytes_in_buffer) fill_input(info);
  info->src->next_input_byte += count;
  info->src->bytes_in_buffer -= static_cast<std::size_t>(count);
}

void set_callbacks(Decoder& decoder, ByteView file) {
  decoder.info.err = jpeg_std_error(&decoder.errors);
  decoder.info.client_data = &decoder;
  decoder.errors.error_exit = [](j_common_ptr info) { report_error(info); };
  decoder.errors.output_message = [](j_common_ptr) {};  // warnings: the picture is shown as far as it goes
  decoder.source.init_source = [](j_decompress_ptr) {};
  decoder.source.fill_input_buffer = fill_input;
  decoder.source.skip_input_data = skip_input;
  decoder.source.resync_to_restart = jpeg_resync_to_restart;
  decoder.source.term_source = [](j_decompress_ptr) {};
  decoder.source.next_input_byte = reinterpret_cast<const JOCTET*>(file.data());
  decoder.source.bytes_in_buffer = file.size();
  decoder.progress.progress_monitor = check_scans;
}

/// Reads up to the first scan. False where that fails; decoder.message says why.
bool read_header(Decoder& decoder) {
  if (setjmp(decoder.failed) != 0) return false;
  jpeg_create_decompress(&decoder.info);
  decoder.info.client_data = &decoder;
  decoder.info.src = &decoder.source;
  decoder.info.progress = &decoder.progress;
  decoder.info.mem->max_memory_to_use = kMostCoefficientMemory;
  jpeg_read_header(&decoder.info, TRUE);
  const int components = decoder.info.num_components;
  if (components != 1 && components != 3 && components != 4) {
    report_error(decoder, "has neither 1, 3 nor 4 colour components");
  }
  decoder.info.out_color_space = components == 4 ? JCS_CMYK : JCS_RGB;
  return true;
}

/// A row of CMYK, which Adobe writes inverted; files without its marker are taken the same way.
void convert_cmyk_row(const std::uint8_t* cmyk, int width, std::uint8_t* rgb) {
  for (int x = 0; x < width; ++x, cmyk += 4, rgb += 3) {
    cmyk_to_rgb(255 - cmyk[0], 255 - cmyk[1], 255 - cmyk[2], 255 - cmyk[3], rgb);
  }
}

/// Decodes all rows into `pixels`, width x height x 3 bytes. `cmyk_row` has room for width x 4 bytes where
/// there are four components. False where that fails; decoder.message says why.
bool read_rows(Decoder& decoder, std::uint8_t* pixels, std::uint8_t* cmyk_row) {
  if (setjmp(decoder.failed) != 0) return false;
  jpeg_start_decompress(&decoder.info);
  const std::size_t row_size = std::size_t{decoder.info.output_width} * 3;
  while (decoder.info.output_scanline < decoder.info.output_height) {
    std::uint8_t* row = pixels + decoder.info.output_scanline * row_size;
    if (decoder.info.out_color_space == JCS_CMYK) {
      jpeg_read_scanlines(&decoder.info, &cmyk_row, 1);
      convert_cmyk_row(cmyk_row, static_cast<int>(decoder.info.output_width), row);
      continue;
    }
    JSAMPROW rows[kMostRowsAtOnce];
    const JDIMENSION left = decoder.info.output_height - decoder.info.output_scanline;
    const JDIMENSION count = left < kMostRowsAtOnce ? left : kMostRowsAtOnce;
    for (JDIMENSION i = 0; i < count; ++i) rows[i] = row + i * row_size;
    jpeg_read_scanlines(&decoder.info, rows, count);
  }
  jpeg_finish_decompress(&decoder.info);  // reads to the end marker, so that a file without one is known
  return true;
}

[[noreturn]] void fail(const Decoder& decoder, const std::string& where) {
  throw Error(ErrorCode::dataset, fmt::format("can't be decoded as JPEG: {}", decoder.message.data()), where);
}

}  // namespace

Image decode_jpeg(ByteView file, const std::string& where) {
  Decoder decoder;
  set_callbacks(decoder, file);
  if (!read_header(decoder)) fail(decoder, where);
  const jpeg_decompress_struct& info = decoder.info;
  Image image = allocate_image(info.image_width, info.image_height, file.size(), kLeastBitsPerPixel, where);
  std::vector<std::uint8_t> cmyk_row(info.out_color_space == JCS_CMYK ? std::size_t{info.image_width} * 4
                                                                      : 0);
  if (!read_rows(decoder, image.pixels.data(), cmyk_row.data())) fail(decoder, where);
  return image;
}

}  // namespace calib8
