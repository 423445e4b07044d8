#include "read/architectures/rebuild.h"

#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "calib8/error.h"
#include "read/architectures/architecture.h"
#include "read/architectures/match.h"

namespace calib8 {
namespace {

std::vector<const Architecture*> all_architectures() {
  std::vector<const Architecture*> all;
  for (const auto family :
       {resnet_architectures(), mobilenet_v2_architectures(), mobilenet_v3_architectures(),
        efficientnet_architectures(), efficientnet_v2_architectures()}) {
    for (const Architecture& architecture : family) all.push_back(&architecture);
  }
  return all;
}

std::string comma_separated(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

/// "EfficientNet-B0" and "efficientnet_b0" are the same name.
std::string normalized(std::string_view name) {
  std::string letters = lower_case(name);
  std::erase_if(letters, [](unsigned char c) { return std::isalnum(c) == 0; });
  return letters;
}

const Architecture& find_architecture(const std::string& name) {
  for (const Architecture* architecture : all_architectures()) {
    if (normalized(architecture->name) == normalized(name)) return *architecture;
  }
  throw Error(ErrorCode::model,
              "architecture " + printable(name) + " can't be rebuilt from a state_dict; known are " +
                  comma_separated(architecture_names()) +
                  "; for any other, export to ONNX with torch.onnx.export and convert that");
}

std::optional<std::string> configured_name(const nlohmann::json& config) {
  for (const char* key : {"model_arch", "arch", "architecture", "model_name", "backbone"}) {
    if (config.is_object() && config.contains(key) && config[key].is_string())
      return config[key].get<std::string>();
  }
  return std::nullopt;
}

std::optional<std::int64_t> configured_classes(const nlohmann::json& config) {
  if (config.is_object() && config.contains("num_classes") && config["num_classes"].is_number_integer()) {
    return config["num_classes"].get<std::int64_t>();
  }
  return std::nullopt;
}

struct Built {
  ModuleBuilder builder;
  std::int64_t num_classes = 0;
};

OnnxValueId build_head(ModuleBuilder& build, Features input, const std::vector<HeadLayer>& head) {
  build.leave_prefix();
  OnnxValueId x = input.value;
  std::int64_t features = input.channels;
  for (std::size_t i = 0; i < head.size(); ++i) {
    x = build.linear(x, head[i].module, features, head[i].out_features);
    features = head[i].out_features;
    if (i + 1 < head.size()) x = build.relu(x, head[i].module + ".relu");
  }
  return x;
}

/// Runs an architecture's description over the tensors that are there, fitting or not: with their weights, or
/// to learn which tensors it expects.
enum class Weights { taken, left };
Built build(const Architecture& architecture, const StateDict& tensors, const Surroundings& surroundings,
            const RebuildRequest& request, Weights weights) {
  Built built{ModuleBuilder(weights == Weights::taken ? &tensors : nullptr, surroundings.prefix)};
  OnnxGraph& graph = built.builder.graph();
  const Dimension batch = request.dynamic_batch ? Dimension{-1, "batch"} : Dimension{1, {}};
  const OnnxType image_type{
      DType::float32, std::vector<Dimension>{batch, {3, {}}, {request.height, {}}, {request.width, {}}}};
  const OnnxValueId image = graph.add_value({"image", image_type, std::nullopt});
  graph.set_inputs({image});

  const Features features = architecture.features(built.builder, image, architecture);
  OnnxValueId logits;
  if (surroundings.head.empty()) {
    const Tensor* last = tensors.find(surroundings.prefix + std::string(architecture.last_weight));
    built.num_classes = last && !last->shape.empty() ? last->shape[0] : 1000;
    logits = architecture.classifier(built.builder, features, built.num_classes);
  } else {
    built.num_classes = surroundings.head.back().out_features;
    logits = build_head(built.builder, features, surroundings.head);
  }
  graph[logits].name = "logits";
  graph[logits].type = OnnxType{DType::float32, std::vector<Dimension>{batch, {built.num_classes, {}}}};
  graph.set_outputs({logits});
  graph.name = architecture.name;
  return built;
}

struct Candidate {
  const Architecture* architecture;
  Mismatch mismatch;
};

/// The architecture with the fewest differences; the first in the list where several have as few.
Candidate nearest_architecture(const StateDict& tensors, const Surroundings& surroundings,
                               const RebuildRequest& request) {
  std::optional<Candidate> best;
  for (const Architecture* architecture : all_architectures()) {
    Mismatch mismatch = compare_tensors(
        build(*architecture, tensors, surroundings, request, Weights::left).builder.expected(), tensors);
    if (!best || mismatch.count < best->mismatch.count) best = {architecture, std::move(mismatch)};
    if (best->mismatch.count == 0) break;
  }
  return *best;
}

[[noreturn]] void refuse(const Candidate& nearest, const std::string& asked_for) {
  std::string message = asked_for.empty()
                            ? "no known architecture has these tensors; the nearest is "
                            : "the tensors are not those of " + asked_for + "; the nearest architecture is ";
  message += std::string(nearest.architecture->name);
  if (nearest.mismatch.count > 0) {
    message += ", with " + std::to_string(nearest.mismatch.count) +
               (nearest.mismatch.count == 1 ? " difference: " : " differences: ") +
               comma_separated(nearest.mismatch.first);
  }
  throw Error(
      ErrorCode::model,
      message + (asked_for.empty()
                     ? "; for another architecture, export to ONNX with torch.onnx.export and convert that"
                     : "; leave the name out to use it"));
}

void check_classes(std::int64_t found, std::optional<std::int64_t> wanted, const char* source) {
  if (!wanted || *wanted == found) return;
  throw Error(ErrorCode::model, std::string(source) + " says " + std::to_string(*wanted) +
                                    " classes, but the last layer has " + std::to_string(found) + " outputs");
}

/// BatchNorm divides by sqrt(running_var + epsilon): a NaN or an infinity anywhere would spoil every result
/// silently.
void check_finite(const OnnxGraph& graph) {
  for (std::size_t i = 0; i < graph.value_count(); ++i) {
    const OnnxValue& value = graph[graph.value_at(i)];
    if (!value.constant) continue;
    for (const float weight : value.constant->as<float>()) {
      if (std::isfinite(weight)) continue;
      throw Error(ErrorCode::model, printable(value.name) + " holds " +
                                        (std::isnan(weight) ? "NaN" : "infinity") +
                                        ": training diverged, or the checkpoint is damaged");
    }
  }
}

}  // namespace

std::vector<std::string> architecture_names() {
  std::vector<std::string> names;
  for (const Architecture* architecture : all_architectures()) names.emplace_back(architecture->name);
  return names;
}

RebuiltModel rebuild_model(const Checkpoint& checkpoint, const RebuildRequest& request) {
  const StateDict& tensors = checkpoint.tensors;
  const Surroundings surroundings = find_surroundings(tensors);
  const std::optional<std::string> configured = configured_name(checkpoint.config);
  const std::optional<std::string> name = request.architecture ? request.architecture : configured;

  const Architecture* chosen = nullptr;
  if (name) {
    chosen = &find_architecture(*name);
    const Mismatch mismatch = compare_tensors(
        build(*chosen, tensors, surroundings, request, Weights::left).builder.expected(), tensors);
    if (mismatch.count > 0) {
      Candidate nearest = nearest_architecture(tensors, surroundings, request);
      if (nearest.architecture != chosen && nearest.mismatch.count == 0)
        refuse(nearest, std::string(chosen->name));
      refuse({chosen, mismatch}, std::string(chosen->name));
    }
  } else {
    const Candidate nearest = nearest_architecture(tensors, surroundings, request);
    if (nearest.mismatch.count > 0) refuse(nearest, {});
    chosen = nearest.architecture;
  }

  Built built = build(*chosen, tensors, surroundings, request, Weights::taken);
  check_classes(built.num_classes, request.num_classes, "--num-classes");
  check_classes(built.num_classes, configured_classes(checkpoint.config), "the checkpoint's config");
  check_finite(built.builder.graph());

  std::string head = "torchvision's classifier";
  if (!surroundings.head.empty()) {
    head = surroundings.head.front().module.substr(0, surroundings.head.front().module.find('.')) + ": " +
           std::to_string(surroundings.head.front().in_features);
    for (const HeadLayer& layer : surroundings.head) head += "-" + std::to_string(layer.out_features);
  }
  return {std::move(built.builder.graph()), std::string(chosen->name), std::move(head), built.num_classes,
          request.architecture ? "--arch"
          : configured         ? "its config"
                               : "the names and shapes of its tensors"};
}

}  // namespace calib8
