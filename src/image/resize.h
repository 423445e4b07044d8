#pragma once

#include "image/image.h"

namespace calib8 {

/// How a pixel is weighted by its distance from the centre of the new one.
enum class Interpolation { nearest, bilinear, bicubic, lanczos };

/// The picture at another size, to the same bytes as Pillow 13's `Image.resize((width, height), resample)`:
/// antialiased (the filter widens where the picture shrinks), one axis after the other, each in fixed point
/// with 22 fractional bits and rounded to 8 bits. The width comes first, except where the height loses over
/// twice as many pixels as the width does; up to Pillow 12 it always did, which differs by at most one level.
/// Bicubic is Keys's with a = -0.5, lanczos has three lobes, and nearest copies pixels, as Pillow's do. Width
/// and height are at least 1.
Image resize(const Image& image, int height, int width,
             Interpolation interpolation = Interpolation::bilinear);

}  // namespace calib8
