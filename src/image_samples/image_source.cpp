#include "image_samples/image_source.h"

#include "image_samples/image_file.h"

namespace calib8 {

Image read_image(const std::filesystem::path& path, const DecodeOptions& options) {
  return decode_image(read_image_file(path), path.string(), options);
}

Sample ImageSource::load(std::size_t index) const {
  const ImageEntry entry = images()[index];
  Tensor tensor = index < pixels_.size()
                      ? normalize(pixels_[index], preprocessing_)
                      : preprocess(read_image(entry.path, {preprocessing_.exif_orientation}), preprocessing_);
  Sample sample;
  sample.inputs.emplace("", std::move(tensor));
  sample.label = entry.label;
  return sample;
}

}  // namespace calib8
