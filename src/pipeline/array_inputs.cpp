#include "pipeline/array_inputs.h"

#include <fmt/format.h>

#include <algorithm>

#include "calib8/error.h"

namespace calib8 {
namespace {

/// Files that are tried before giving up: a million damaged ones need not all be opened.
constexpr std::size_t most_tried = 100;

std::map<std::string, Shape> first_readable(const DatasetListing& listing) {
  std::optional<Error> first;
  for (std::size_t i = 0; i < std::min(listing.images.size(), most_tried); ++i) {
    try {
      return array_shapes(listing.images[i].path);
    } catch (const Error& error) {
      if (error.code() != ErrorCode::dataset) throw;
      if (!first) first = error;
    }
  }
  throw first ? *first : Error(ErrorCode::dataset, "there is no array", listing.root.string());
}

/// [C, H, W] -> [H, W, C], where `size` says that it is so.
Shape channels_last(const Shape& sample, const std::pair<std::int64_t, std::int64_t>& size) {
  if (sample.size() == 3 && std::pair(sample[0], sample[1]) == size) return sample;
  if (sample.size() == 3 && std::pair(sample[1], sample[2]) == size) return {sample[1], sample[2], sample[0]};
  throw Error(ErrorCode::usage,
              fmt::format("the arrays' samples are {}, and not {}x{} with channels", to_string(sample),
                          size.first, size.second),
              "--input-size");
}

}  // namespace

std::vector<ArrayInput> infer_array_inputs(const DatasetListing& listing,
                                           const std::optional<std::pair<std::int64_t, std::int64_t>>& size) {
  std::vector<ArrayInput> inputs;
  for (const auto& [name, shape] : first_readable(listing)) {
    const bool is_batch =
        !shape.empty() && (listing.images.size() == 1 || shape.size() == 4 || shape[0] == 1);
    Shape sample(shape.begin() + (is_batch ? 1 : 0), shape.end());
    if (size) sample = channels_last(sample, *size);
    sample.insert(sample.begin(), 1);
    inputs.push_back({name, std::move(sample)});
  }
  if (inputs.size() == 1) inputs[0].name.clear();
  return inputs;
}

}  // namespace calib8
