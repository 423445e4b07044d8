#include "read/architectures/match.h"

#include <algorithm>
#include <set>

#include "base/text.h"
#include "calib8/error.h"

namespace calib8 {
namespace {

/// Where a backbone's first tensor stands in every architecture that is known here.
constexpr std::string_view first_tensors[] = {"conv1.weight", "features.0.0.weight"};

std::string find_prefix(const StateDict& tensors) {
  for (const NamedTensor& entry : tensors) {
    for (const std::string_view first : first_tensors) {
      const std::string_view name = entry.name;
      const bool stem = name.ends_with(first) && entry.tensor.shape.size() == 4 && entry.tensor.shape[1] == 3;
      if (!stem) continue;
      const std::string_view prefix = name.substr(0, name.size() - first.size());
      if (prefix.empty() || prefix.ends_with('.')) return std::string(prefix);
    }
  }
  return {};
}

/// Index in "<head>.<index>.weight"; -1 for "<head>.weight"; nothing for deeper names.
std::optional<int> layer_index(std::string_view rest) {
  if (rest == "weight") return -1;
  const std::size_t dot = rest.find('.');
  if (dot == 0 || dot == std::string_view::npos || dot > 3 || rest.substr(dot) != ".weight")
    return std::nullopt;
  int index = 0;
  for (const char digit : rest.substr(0, dot)) {
    if (digit < '0' || digit > '9') return std::nullopt;
    index = index * 10 + (digit - '0');
  }
  return index;
}

[[noreturn]] void refuse_head(const std::string& name) {
  throw Error(ErrorCode::model, "the head " + printable(name) +
                                    " is neither one linear layer nor "
                                    "Linear-ReLU-Dropout-Linear-ReLU-Dropout-Linear, and a state_dict "
                                    "doesn't tell what runs between layers; export the model to ONNX with "
                                    "torch.onnx.export and convert that");
}

/// The layers of the modules outside the prefix, which must be one head.
std::vector<HeadLayer> find_head(const StateDict& tensors, const std::string& prefix) {
  std::string head;
  std::vector<HeadLayer> layers;
  std::vector<int> indices;
  for (const NamedTensor& entry : tensors) {
    const std::string_view name = entry.name;
    if (name.starts_with(prefix) || !name.ends_with("weight")) continue;
    const std::string root(name.substr(0, name.find('.')));
    if (head.empty()) head = root;
    const std::optional<int> index =
        layer_index(name.substr(root.size() + 1 <= name.size() ? root.size() + 1 : root.size()));
    if (root != head || !index || entry.tensor.shape.size() != 2) refuse_head(root);
    const Shape& shape = entry.tensor.shape;
    layers.push_back(
        {std::string(name.substr(0, name.size() - std::string_view(".weight").size())), shape[1], shape[0]});
    indices.push_back(*index);
  }
  const bool known = layers.size() <= 1 || indices == std::vector<int>{0, 3, 6};
  if (!known) refuse_head(head);
  return layers;
}

}  // namespace

Surroundings find_surroundings(const StateDict& tensors) {
  Surroundings found{find_prefix(tensors), {}};
  if (!found.prefix.empty()) found.head = find_head(tensors, found.prefix);
  return found;
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
