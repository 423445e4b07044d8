#pragma once

#include "image/image.h"

namespace calib8 {

/// How a pixel is weighted by its distance from the centre of the new one.
enum class Interpolation { nearest, bilinear, bicubic, lanczos };

/// A part of a picture, in pixels; it lies within.
struct Region {
  int top = 0, left = 0;
  int height = 0, width = 0;
};

/// The picture at another size, to the same bytes as Pillow 13's `Image.resize((width, height), resample)`:
/// antialiased (the filter widens where the picture shrinks), one axis after the other, each in fixed point
/// with 22 fractional bits and rounded to 8 bits. The width comes first, except where the height loses over
/// twice as many pixels as the width does; up to Pillow 12 it always did, which differs by at most one level.
/// Bicubic is Keys's with a = -0.5, lanczos has three lobes, and nearest copies pixels, as Pillow's do. Width
/// and height are at least 1.
Image resize(const Image& image, int height, int width,
             Interpolation interpolation = Interpolation::bilinear);

/// A part of a picture as it is.
Image part_of(const Image& image, const Region& region);

/// `region` of what resize() makes, without making the rest: memory and time are those of the region and of
/// the picture, however large the whole would be.
Image resize_part(const Image& image, int height, int width, const Region& region,
                  Interpolation interpolation);

}  // namespace calib8
