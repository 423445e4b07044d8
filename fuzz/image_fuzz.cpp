// Any bytes: they decode, turned or not, or are refused with calib8::Error; nothing else may happen. Of
// what decodes to little a part is resized too.
#include <cstddef>
#include <cstdint>
#include <span>

#include "calib8/error.h"
#include "image/decode.h"
#include "image/resize.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const bool turned = size % 2 == 0;
  try {
    const calib8::Image image = calib8::decode_image(std::as_bytes(std::span(data, size)), "input", {turned});
    if (image.pixels.size() < std::size_t{1} << 18)
      calib8::resize_part(image, 9, 7, {2, 1, 5, 4}, calib8::Interpolation::bicubic);
  } catch (const calib8::Error& error) {  // the expected way out, but for bugs of our own
    if (error.code() == calib8::ErrorCode::internal) throw;
  }
  return 0;
}
