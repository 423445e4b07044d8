#include "read/architectures/naming.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "base/text.h"
#include "calib8/error.h"
#include "read/architectures/rebuild.h"

namespace calib8 {
namespace {

/// A member that may hold the name. `strict`: it holds nothing else; others may hold any text.
struct NameKey {
  const char* key;
  bool strict;
};
constexpr std::array<NameKey, 10> kKeys = {{{"model_arch", true},
                                            {"arch", true},
                                            {"architecture", true},
                                            {"model_name", false},
                                            {"backbone", false},
                                            {"model", false},
                                            {"net", false},
                                            {"network", false},
                                            {"encoder", false},
                                            {"base_model", false}}};
/// Families of which a member that isn't known may share its tensors with one that is.
constexpr std::array<std::string_view, 4> kFamilies = {"resnet", "resnext", "mobilenet", "efficientnet"};

/// "EfficientNet-B0" and "efficientnet_b0" are the same name.
std::string normalized(std::string_view name) {
  std::string letters = lower_case(name);
  std::erase_if(letters, [](unsigned char c) { return std::isalnum(c) == 0; });
  return letters;
}

std::vector<std::string> words_of(std::string_view text, std::string_view separators) {
  std::vector<std::string> words;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find_first_of(separators), text.size());
    if (end > 0) words.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return words;
}

/// The architecture that one of the words is, or two or three neighbours together ("wide-resnet50-2").
const Architecture* architecture_among(const std::vector<std::string>& words) {
  for (std::size_t count = 3; count > 0; --count) {
    for (std::size_t first = 0; first + count <= words.size(); ++first) {
      std::string together;
      for (std::size_t i = first; i < first + count; ++i) together += words[i];
      if (const Architecture* found = find_architecture(together)) return found;
    }
  }
  return nullptr;
}

constexpr std::string_view kSeparators = " ./-_:+";

/// "resnetblur18"; not "resnet" nor "resnet-of-mine", which say nothing of the member.
bool holds_family(const std::string& name) {
  const std::vector<std::string> words = words_of(lower_case(name), kSeparators);
  return std::ranges::any_of(words, [&](const std::string& word) {
    return std::ranges::any_of(kFamilies, [&](std::string_view family) {
      return word.find(family) != std::string::npos && word != family;
    });
  });
}

[[noreturn]] void refuse(const NameKey& key, const std::string& name) {
  std::string known;
  for (const std::string& each : architecture_names()) known += (known.empty() ? "" : ", ") + each;
  throw Error(ErrorCode::model, "architecture " + printable(name) + " (the checkpoint's " + key.key +
                                    ") can't be rebuilt from a state_dict, though its tensors may look like "
                                    "another's; known are " +
                                    known +
                                    ": if it is one of them, name it with --arch, else export to ONNX with "
                                    "torch.onnx.export and convert that");
}

void take_name(const NameKey& key, const std::string& name, NamedArchitecture& found) {
  const std::string without_tag = name.substr(0, name.find('.'));
  const Architecture* exact = find_architecture(without_tag.substr(without_tag.rfind('/') + 1));
  const Architecture* within = exact ? exact : architecture_among(words_of(name, kSeparators));
  if (!exact && (key.strict ? !within : holds_family(name) && !within)) {
    // "resnet" alone says nothing wrong.
    const bool is_family = std::ranges::find(kFamilies, normalized(name)) != kFamilies.end();
    if (!is_family) refuse(key, name);
  }
  if (!within || found.architecture) return;
  found.architecture = within;
  if (exact) return;
  found.notes.push_back(
      "the checkpoint's " + std::string(key.key) + " " + printable(name) + " is taken as " +
      std::string(within->name) +
      ": where it differs in what has no weights, export it to ONNX with torch.onnx.export instead");
}

struct ForeignName {
  std::string_view part, library, advice;
};
constexpr std::string_view kTimm =
    "export timm.create_model(NAME, checkpoint_path=FILE) to ONNX with torch.onnx.export and convert that";
constexpr std::string_view kAny = "export the model to ONNX with torch.onnx.export and convert that";
constexpr std::array<ForeignName, 9> kForeignNames = {{
    {"conv_stem.weight", "timm", kTimm},
    {"patch_embed.proj.weight", "timm", kTimm},
    {"stages.0.blocks.0.", "timm", kTimm},
    {"embedder.embedder.convolution.weight", "transformers", kAny},
    {"embeddings.patch_embeddings.", "transformers", kAny},
    {"segmentation_head.0.weight", "segmentation_models_pytorch", kAny},
    {"model.0.conv.weight", "Ultralytics", "export it with model.export(format=\"onnx\") and convert that"},
    {"rpn.head.", "torchvision's detection models", kAny},
    {"cls_token", "a vision transformer", kAny},
}};

}  // namespace

std::vector<const Architecture*> all_architectures() {
  std::vector<const Architecture*> all;
  for (const auto family :
       {resnet_architectures(), mobilenet_v2_architectures(), mobilenet_v3_architectures(),
        efficientnet_architectures(), efficientnet_v2_architectures(), vgg_architectures(),
        regnet_architectures(), convnext_architectures(), vision_transformer_architectures()}) {
    for (const Architecture& architecture : family) all.push_back(&architecture);
  }
  return all;
}

const Architecture* find_architecture(const std::string& name) {
  for (const Architecture* architecture : all_architectures()) {
    if (normalized(architecture->name) == normalized(name)) return architecture;
  }
  return nullptr;
}

NamedArchitecture find_named_architecture(const Checkpoint& checkpoint) {
  NamedArchitecture found;
  for (const nlohmann::json* values : {&checkpoint.config, &checkpoint.outermost}) {
    if (!values->is_object()) continue;
    for (const NameKey& key : kKeys) {
      const auto value = values->find(key.key);
      if (value != values->end() && value->is_string()) take_name(key, value->get<std::string>(), found);
    }
  }
  return found;
}

std::string describe_foreign_names(const StateDict& tensors) {
  for (const ForeignName& foreign : kForeignNames) {
    for (const NamedTensor& entry : tensors) {
      if (entry.name.find(foreign.part) == std::string::npos) continue;
      return "these are the names of tensors of " + std::string(foreign.library) + " (" +
             printable(entry.name) +
             "), and calib8 rebuilds torchvision's classifiers alone: " + std::string(foreign.advice);
    }
  }
  return {};
}

}  // namespace calib8
