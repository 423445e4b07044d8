#include "read/architectures/match.h"

#include <cmath>
#include <set>

#include "base/text.h"

namespace calib8 {
namespace {

/// The first tensor of every architecture that is known here, and one that stands beside it there alone.
struct FirstTensor {
  std::string_view name, companion;
};
constexpr FirstTensor first_tensors[] = {{"conv1.weight", "layer1.0.conv1.weight"},
                                         {"features.0.0.weight", "features.0.1.weight"},
                                         {"features.0.weight", "features.0.bias"},
                                         {"stem.0.weight", "trunk_output.block1.block1-0.f.a.0.weight"},
                                         {"conv_proj.weight", "class_token"}};
/// A stem of more channels is no image's.
constexpr std::int64_t most_channels = 64;

}  // namespace

Stem find_stem(const StateDict& tensors) {
  for (const NamedTensor& entry : tensors) {
    for (const FirstTensor& first : first_tensors) {
      const std::string_view name = entry.name;
      if (!name.ends_with(first.name) || entry.tensor.shape.size() != 4) continue;
      const std::string prefix(name.substr(0, name.size() - first.name.size()));
      if (!prefix.empty() && !prefix.ends_with('.')) continue;
      const std::int64_t channels = entry.tensor.shape[1];
      if (tensors.find(prefix + std::string(first.companion)) && channels >= 1 && channels <= most_channels)
        return {prefix, channels};
    }
  }
  return {};
}

std::optional<std::int64_t> side_of_position_embedding(const StateDict& tensors) {
  const Stem stem = find_stem(tensors);
  const Tensor* patch = tensors.find(stem.prefix + "conv_proj.weight");
  const Tensor* places = tensors.find(stem.prefix + "encoder.pos_embedding");
  if (!patch || !places || patch->shape.size() != 4 || places->shape.size() != 3) return std::nullopt;
  constexpr std::int64_t most_patches = 1 << 20;
  const std::int64_t patches = places->shape[1] - 1;  // the class token has a place of its own
  if (patches < 1 || patches > most_patches || patch->shape[3] > most_patches) return std::nullopt;
  const auto along = static_cast<std::int64_t>(std::llround(std::sqrt(static_cast<double>(patches))));
  return along * along == patches ? std::optional(along * patch->shape[3]) : std::nullopt;
}

Mismatch compare_tensors(const std::vector<ExpectedTensor>& expected, const StateDict& tensors) {
  Mismatch mismatch;
  const auto note = [&](std::string difference) {
    ++mismatch.count;
    if (mismatch.first.size() < 3) mismatch.first.push_back(std::move(difference));
  };
  std::set<std::string_view> known;
  for (const ExpectedTensor& wanted : expected) {
    known.insert(wanted.name);
    const Tensor* tensor = tensors.find(wanted.name);
    if (!tensor) {
      note(printable(wanted.name) + " is missing");
    } else if (tensor->shape != wanted.shape) {
      note(printable(wanted.name) + " is " + to_string(tensor->shape) + " instead of " +
           to_string(wanted.shape));
    } else if (!is_floating(tensor->dtype)) {
      note(printable(wanted.name) + " is " + std::string(name_of(tensor->dtype)) + ", not a floating type");
    }
  }
  for (const NamedTensor& entry : tensors) {
    if (!known.contains(entry.name) && !entry.name.ends_with("num_batches_tracked")) {
      note(printable(entry.name) + " is unexpected");
    }
  }
  return mismatch;
}

}  // namespace calib8
