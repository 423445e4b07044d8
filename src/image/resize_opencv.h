#pragma once

#include "image/image.h"
#include "image/resize.h"

namespace calib8 {

/// The picture at another size as OpenCV's `cv2.resize(image, (width, height), interpolation=...)` makes it,
/// within one level: INTER_NEAREST, INTER_LINEAR, INTER_CUBIC (a = -0.75) and INTER_LANCZOS4 (four lobes).
/// Not antialiased: a filter spans the same few input pixels however much the picture shrinks. Pixels beyond
/// the edge repeat the edge's. Width and height are at least 1.
///
/// Weights have 11 fractional bits, as OpenCV's for 8 bit pixels, and a result is rounded once, behind both
/// axes.
///
/// Of all this only `region`, as resize_part() does.
Image resize_part_as_opencv(const Image& image, int height, int width, const Region& region,
                            Interpolation interpolation);

}  // namespace calib8
