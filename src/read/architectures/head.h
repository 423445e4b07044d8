#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "read/architectures/architecture.h"
#include "read/state_dict.h"

namespace calib8 {

/// One module of a head that has weights, by its full name.
struct HeadLayer {
  enum class Kind { linear, batch_norm };
  Kind kind = Kind::linear;
  std::string module;
  std::int64_t in_features = 0, out_features = 0;  ///< Equal for a batch_norm.
  bool bias = true;
  bool activation_before = false;  ///< An activation runs between this layer and the one before it.
};

/// A classifier that isn't the architecture's own: linear layers and BatchNorms one after another.
struct Head {
  std::string name;  ///< "fc", "classifier"
  std::vector<HeadLayer> layers;
};

/// Reads a head from the tensors that are not among `features` (the backbone's). The numbers of nn.Sequential
/// tell where something without weights runs: at the front and behind the last layer nothing that matters, a
/// gap of one number or two between layers is an activation, with a dropout perhaps. Modules without numbers
/// tell nothing, and are taken in their order only where `activation_known`. Nothing where the tensors are no
/// such head.
std::optional<Head> find_head(const StateDict& tensors, const std::set<std::string, std::less<>>& features,
                              std::int64_t in_features, bool activation_known);

/// Runs it on features; `activation` is a word of RebuildRequest::head_activation.
OnnxValueId build_head(ModuleBuilder& build, Features input, const Head& head, std::string_view activation);

/// Whether it is one of those words.
bool is_head_activation(std::string_view word);

/// "classifier: 1280-512-256-10"
std::string describe(const Head& head);

}  // namespace calib8
