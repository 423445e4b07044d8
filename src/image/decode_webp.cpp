#include <fmt/format.h>
#include <webp/decode.h>
#include <webp/demux.h>

#include <cstdint>
#include <memory>

#include "calib8/error.h"
#include "image/decode_formats.h"

namespace calib8 {
namespace {

/// A flat lossless picture takes the same few bytes whatever its size.
constexpr double kLeastBitsPerPixel = 0;

using Demuxer = std::unique_ptr<WebPDemuxer, decltype(&WebPDemuxDelete)>;

[[noreturn]] void fail(const char* reason, const std::string& where) {
  throw Error(ErrorCode::dataset, fmt::format("can't be decoded as WebP: {}", reason), where);
}

/// The first frame of a file; a still picture is its only frame.
struct FirstFrame {
  WebPIterator iterator{};

  FirstFrame(const WebPDemuxer* demuxer, const std::string& where) {
    if (WebPDemuxGetFrame(demuxer, 1, &iterator) == 0) fail("it has no picture", where);
  }
  FirstFrame(const FirstFrame&) = delete;
  FirstFrame& operator=(const FirstFrame&) = delete;
  ~FirstFrame() { WebPDemuxReleaseIterator(&iterator); }
};

const char* reason_of(VP8StatusCode status) {
  switch (status) {
    case VP8_STATUS_OUT_OF_MEMORY:
      return "not enough memory";
    case VP8_STATUS_NOT_ENOUGH_DATA:
      return "the file is cut short";
    case VP8_STATUS_UNSUPPORTED_FEATURE:
      return "it uses a feature that libwebp doesn't know";
    default:
      return "the data is damaged";
  }
}

/// Whether the frame lies within the canvas and its data is of the size that the file says.
bool is_consistent(const WebPIterator& frame, int width, int height) {
  WebPBitstreamFeatures features{};
  return WebPGetFeatures(frame.fragment.bytes, frame.fragment.size, &features) == VP8_STATUS_OK &&
         features.width == frame.width && features.height == frame.height && frame.x_offset >= 0 &&
         frame.y_offset >= 0 && frame.x_offset <= width - frame.width &&
         frame.y_offset <= height - frame.height;
}

}  // namespace

Image decode_webp(ByteView file, const std::string& where) {
  const WebPData data{reinterpret_cast<const std::uint8_t*>(file.data()), file.size()};
  const Demuxer demuxer(WebPDemux(&data), &WebPDemuxDelete);
  if (!demuxer) fail("the file is damaged or cut short", where);
  Image image = allocate_image(WebPDemuxGetI(demuxer.get(), WEBP_FF_CANVAS_WIDTH),
                               WebPDemuxGetI(demuxer.get(), WEBP_FF_CANVAS_HEIGHT), file.size(),
                               kLeastBitsPerPixel, where);
  const FirstFrame first(demuxer.get(), where);
  const WebPIterator& frame = first.iterator;
  if (!is_consistent(frame, image.width, image.height)) fail("the data is damaged", where);

  // A frame that leaves a part of the canvas free leaves it black.
  WebPDecoderConfig config{};
  if (WebPInitDecoderConfig(&config) == 0) fail("libwebp is of another version than its headers", where);
  const std::size_t stride = static_cast<std::size_t>(image.width) * 3;
  const std::size_t begin =
      static_cast<std::size_t>(frame.y_offset) * stride + static_cast<std::size_t>(frame.x_offset) * 3;
  config.output.colorspace = MODE_RGB;
  config.output.is_external_memory = 1;
  config.output.u.RGBA.rgba = image.pixels.data() + begin;
  config.output.u.RGBA.stride = static_cast<int>(stride);
  config.output.u.RGBA.size = image.pixels.size() - begin;
  const VP8StatusCode status = WebPDecode(frame.fragment.bytes, frame.fragment.size, &config);
  if (status != VP8_STATUS_OK) fail(reason_of(status), where);
  return image;
}

}  // namespace calib8
