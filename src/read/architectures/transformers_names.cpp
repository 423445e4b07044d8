#include "read/architectures/transformers_names.h"

#include <optional>
#include <string_view>
#include <vector>

#include "base/text.h"
#include "calib8/error.h"

namespace calib8 {
namespace {

constexpr std::string_view stem = "embedder.embedder.convolution.weight";
constexpr std::string_view wrapper = "resnet.";

std::vector<std::string_view> parts_of(std::string_view name) {
  std::vector<std::string_view> parts;
  while (true) {
    const std::size_t dot = name.find('.');
    parts.push_back(name.substr(0, dot));
    if (dot == std::string_view::npos) return parts;
    name.remove_prefix(dot + 1);
  }
}

std::optional<int> number_in(std::string_view text) {
  if (text.empty() || text.size() > 3 || text.find_first_not_of("0123456789") != std::string_view::npos)
    return std::nullopt;
  return std::stoi(std::string(text));
}

/// "encoder.stages.S.layers.B.layer.K.convolution.P", "encoder.stages.S.layers.B.shortcut.normalization.P"
std::optional<std::string> name_in_stage(const std::vector<std::string_view>& parts) {
  if (parts.size() < 8 || parts[0] != "encoder" || parts[1] != "stages" || parts[3] != "layers")
    return std::nullopt;
  const auto stage = number_in(parts[2]);
  if (!stage) return std::nullopt;
  const std::string block = "layer" + std::to_string(*stage + 1) + "." + std::string(parts[4]) + ".";
  const bool is_convolution = parts[parts.size() - 2] == "convolution";
  if (!is_convolution && parts[parts.size() - 2] != "normalization") return std::nullopt;
  const std::string parameter(parts.back());
  if (parts.size() == 8 && parts[5] == "shortcut")
    return block + "downsample." + (is_convolution ? "0." : "1.") + parameter;
  const auto layer = parts.size() == 9 && parts[5] == "layer" ? number_in(parts[6]) : std::nullopt;
  if (!layer) return std::nullopt;
  return block + (is_convolution ? "conv" : "bn") + std::to_string(*layer + 1) + "." + parameter;
}

std::optional<std::string> torchvision_name(std::string_view name) {
  if (name.starts_with("classifier.1.")) return "fc." + std::string(name.substr(13));
  if (name.starts_with(wrapper)) name.remove_prefix(wrapper.size());
  if (name.starts_with("embedder.embedder.convolution.")) return "conv1." + std::string(name.substr(30));
  if (name.starts_with("embedder.embedder.normalization.")) return "bn1." + std::string(name.substr(32));
  return name_in_stage(parts_of(name));
}

void check_config(const nlohmann::json& config) {
  const auto refuse = [&](const char* member) {
    throw Error(ErrorCode::model,
                "this ResNet of transformers has " + std::string(member) + " " +
                    printable(config[member].dump()) +
                    ", which torchvision's have not: export it to ONNX with torch.onnx.export "
                    "and convert that");
  };
  for (const char* member : {"downsample_in_bottleneck", "downsample_in_first_stage"}) {
    if (config.contains(member) && config[member] != false) refuse(member);
  }
  if (config.contains("hidden_act") && config["hidden_act"] != "relu") refuse("hidden_act");
}

}  // namespace

void take_transformers_names(Checkpoint& checkpoint) {
  const StateDict& tensors = checkpoint.tensors;
  if (!tensors.find(std::string(wrapper) + std::string(stem)) && !tensors.find(stem)) return;
  StateDict renamed;
  for (const NamedTensor& entry : tensors) {
    const auto name = torchvision_name(entry.name);
    if (!name || !renamed.add(*name, entry.tensor)) return;  // refused under the names that it has
  }
  check_config(checkpoint.config);
  checkpoint.tensors = std::move(renamed);
}

}  // namespace calib8
