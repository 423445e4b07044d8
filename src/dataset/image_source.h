#pragma once

#include <string>
#include <vector>

#include "base/bytes.h"
#include "dataset/decode.h"
#include "dataset/image_list.h"
#include "dataset/preprocess.h"
#include "dataset/sample.h"

namespace calib8 {

/// Images on disk as samples: float32 [1, height, width, channels] under the empty key, with the class as
/// label. The first ones are kept at their final size, up to a fixed number of bytes; all others are decoded
/// again each time. For each image it holds its name and its hash, and no more.
class ImageSource : public SampleSource {
 public:
  /// `hashes[i]` is the SHA-256 of file i. `pixels[i]` is image i at its final size, for the first images;
  /// there may be fewer than images.
  ImageSource(ImageList images, std::vector<Digest> hashes, std::vector<Image> pixels,
              Preprocessing preprocessing);

  std::size_t size() const override { return images_.size(); }
  Sample load(std::size_t index) const override;

  const ImageList& images() const { return images_; }
  /// Of the file: 64 hexadecimal digits.
  std::string sha256(std::size_t index) const { return to_text(hashes_.at(index)); }
  const Preprocessing& preprocessing() const { return preprocessing_; }

 private:
  ImageList images_;
  std::vector<Digest> hashes_;
  std::vector<Image> pixels_;
  Preprocessing preprocessing_;
};

/// Reads and decodes a file. Fails with ErrorCode::dataset where it can't be read or decoded.
Image read_image(const std::filesystem::path& path, const DecodeOptions& options = {});

}  // namespace calib8
