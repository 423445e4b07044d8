#include "samples/spooled_samples.h"

#include <utility>

namespace calib8 {

class SpooledSamples::Part : public SampleSource {
 public:
  Part(std::shared_ptr<const SpoolFile> file, std::vector<std::vector<Stored>> samples)
      : file_(std::move(file)), samples_(std::move(samples)) {}

  std::size_t size() const override { return samples_.size(); }

  Sample load(std::size_t index) const override {
    Sample sample;
    for (const Stored& stored : samples_.at(index)) {
      std::vector<float> values(stored.count);
      file_->read(stored.offset, std::as_writable_bytes(std::span(values)));
      sample.inputs.emplace(stored.name, make_tensor(stored.shape, std::move(values)));
    }
    return sample;
  }

 private:
  std::shared_ptr<const SpoolFile> file_;
  std::vector<std::vector<Stored>> samples_;
};

void SpooledSamples::add(const Sample& sample) {
  std::vector<Stored>& stored = samples_.emplace_back();
  for (const auto& [name, tensor] : sample.inputs) {
    stored.push_back({name, tensor.shape, file_->size(), tensor.as<float>().size()});
    file_->append(std::as_bytes(tensor.as<float>()));
  }
}

std::shared_ptr<const SampleSource> SpooledSamples::part(std::size_t first, std::size_t count) const {
  const auto begin = samples_.begin() + static_cast<std::ptrdiff_t>(first);
  return std::make_shared<const Part>(file_, std::vector(begin, begin + static_cast<std::ptrdiff_t>(count)));
}

}  // namespace calib8
