#include "image_samples/image_source.h"

#include "calib8/error.h"
#include "image_samples/image_file.h"

namespace calib8 {

Image read_image(const std::filesystem::path& path, const DecodeOptions& options) {
  return decode_image(read_image_file(path), path.string(), options);
}

/// A file that was opened before, and must hold the same still.
Image read_again(const UsedImages& used, std::size_t index, const DecodeOptions& options) {
  const std::string path = used.files[index].path;
  const std::vector<std::byte> bytes = read_image_file(path);
  if (sha256_digest(bytes) != used.hashes.at(index))
    throw Error(ErrorCode::dataset, "was changed while it was in use: its SHA-256 is another", path);
  return decode_image(bytes, path, options);
}

Sample ImageSource::load(std::size_t index) const {
  Tensor tensor =
      index < pixels_.size()
          ? normalize(pixels_[index], preprocessing_)
          : normalize(fit_image(read_again(*used_, index, {preprocessing_.exif_orientation}), preprocessing_),
                      preprocessing_);
  Sample sample;
  sample.inputs.emplace("", std::move(tensor));
  sample.label = images().label(index);
  return sample;
}

}  // namespace calib8
