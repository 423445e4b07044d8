#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "discover/image_list.h"
#include "image/decode.h"
#include "image/preprocess.h"
#include "samples/sample.h"

namespace calib8 {

/// In pixels, turned as the preprocessing turns it.
struct PictureSize {
  int height = 0, width = 0;
};

/// Files that were opened: their names and what they held.
struct UsedImages {
  ImageList files;
  std::vector<Digest> hashes;  ///< SHA-256 of each file.
  std::vector<PictureSize> sizes;

  /// 64 hexadecimal digits.
  std::string sha256(std::size_t index) const { return to_text(hashes.at(index)); }
};

/// Images on disk as samples: float32 [1, height, width, channels] under the empty key, with the class as
/// label. The first ones are kept at their final size, up to a fixed number of bytes; all others are decoded
/// again each time, and nothing is held of them but name and hash.
class ImageSource : public SampleSource {
 public:
  /// `pixels[i]` is image i at its final size, for the first images; there may be fewer than images.
  ImageSource(std::shared_ptr<const UsedImages> used, std::vector<Image> pixels, Preprocessing preprocessing)
      : used_(std::move(used)), pixels_(std::move(pixels)), preprocessing_(std::move(preprocessing)) {}

  std::size_t size() const override { return images().size(); }
  Sample load(std::size_t index) const override;

  const std::shared_ptr<const UsedImages>& used() const { return used_; }
  const ImageList& images() const { return used_->files; }
  const Preprocessing& preprocessing() const { return preprocessing_; }

 private:
  std::shared_ptr<const UsedImages> used_;
  std::vector<Image> pixels_;
  Preprocessing preprocessing_;
};

/// Decodes a file of `used` again. Fails with ErrorCode::dataset where it can't be read any more, or holds
/// other bytes than it did.
Image read_again(const UsedImages& used, std::size_t index, const DecodeOptions& options);

/// Reads and decodes a file. Fails with ErrorCode::dataset where it can't be read or decoded.
Image read_image(const std::filesystem::path& path, const DecodeOptions& options = {});

}  // namespace calib8
