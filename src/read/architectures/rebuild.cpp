#include "read/architectures/rebuild.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "base/text.h"
#include "calib8/error.h"
#include "read/architectures/architecture.h"
#include "read/architectures/head.h"
#include "read/architectures/match.h"
#include "read/architectures/naming.h"

namespace calib8 {
namespace {

std::string comma_separated(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
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
  std::size_t features = 0;  ///< How many of the expected tensors are the backbone's.
  std::optional<Head> head;  ///< Where it isn't the architecture's own.
};

/// Runs an architecture's description over the tensors that are there, fitting or not: with their weights, or
/// to learn which tensors it expects.
enum class Weights { taken, left };

/// What a network is built around.
struct Surroundings {
  Stem stem;
  std::string head_activation = "relu";
  bool activation_known = false;
};

/// The image input and the features.
Features build_features(Built& built, const Architecture& architecture, const Surroundings& surroundings,
                        const RebuildRequest& request) {
  OnnxGraph& graph = built.builder.graph();
  const Dimension batch = request.dynamic_batch ? Dimension{-1, "batch"} : Dimension{1, {}};
  const OnnxType image_type{
      DType::float32,
      std::vector<Dimension>{
          batch, {surroundings.stem.channels, {}}, {request.height, {}}, {request.width, {}}}};
  const OnnxValueId image = graph.add_value({"image", image_type, std::nullopt});
  graph.set_inputs({image});
  return architecture.features(built.builder, image, architecture);
}

void finish(Built& built, const Architecture& architecture, OnnxValueId logits,
            const RebuildRequest& request) {
  OnnxGraph& graph = built.builder.graph();
  const Dimension batch = request.dynamic_batch ? Dimension{-1, "batch"} : Dimension{1, {}};
  graph[logits].name = "logits";
  graph[logits].type = OnnxType{DType::float32, std::vector<Dimension>{batch, {built.num_classes, {}}}};
  graph.set_outputs({logits});
  graph.name = architecture.name;
}

Built build(const Architecture& architecture, const StateDict& tensors, const Surroundings& surroundings,
            const RebuildRequest& request, Weights weights) {
  const StateDict* source = weights == Weights::taken ? &tensors : nullptr;
  Built built{ModuleBuilder(source, surroundings.stem.prefix, surroundings.stem.channels,
                            {request.height, request.width})};
  const Features features = build_features(built, architecture, surroundings, request);
  std::set<std::string, std::less<>> of_features;
  for (const ExpectedTensor& tensor : built.builder.expected()) of_features.insert(tensor.name);
  built.features = built.builder.expected().size();
  // Its own classifier, or whatever else stands there.
  ModuleBuilder own(nullptr, surroundings.stem.prefix);
  const Tensor* last = tensors.find(surroundings.stem.prefix + std::string(architecture.last_weight));
  built.num_classes = last && !last->shape.empty() ? last->shape[0] : 1000;
  architecture.classifier(own, {own.emitter().value("features"), features.channels}, built.num_classes);
  std::size_t beyond = 0;
  for (const NamedTensor& entry : tensors) {
    beyond += of_features.contains(entry.name) || entry.name.ends_with("num_batches_tracked") ? 0 : 1;
  }
  const bool fits = beyond == own.expected().size() &&
                    std::ranges::all_of(own.expected(), [&](const ExpectedTensor& wanted) {
                      const Tensor* tensor = tensors.find(wanted.name);
                      return tensor && tensor->shape == wanted.shape;
                    });
  if (!fits) built.head = find_head(tensors, of_features, features.channels, surroundings.activation_known);
  OnnxValueId logits;
  if (built.head) {
    built.num_classes = built.head->layers.back().out_features;
    logits = build_head(built.builder, features, *built.head, surroundings.head_activation);
  } else {
    logits = architecture.classifier(built.builder, features, built.num_classes);
  }
  finish(built, architecture, logits, request);
  return built;
}

struct Candidate {
  const Architecture* architecture;
  Mismatch mismatch;
  bool features_fit = false;  ///< Only what stands behind the backbone differs.
};

Candidate compare(const Architecture& architecture, const StateDict& tensors,
                  const Surroundings& surroundings, const RebuildRequest& request) {
  const Built built = build(architecture, tensors, surroundings, request, Weights::left);
  const std::vector<ExpectedTensor>& expected = built.builder.expected();
  Candidate candidate{&architecture, compare_tensors(expected, tensors)};
  candidate.features_fit =
      std::ranges::all_of(expected.begin(), expected.begin() + static_cast<std::ptrdiff_t>(built.features),
                          [&](const ExpectedTensor& wanted) {
                            const Tensor* tensor = tensors.find(wanted.name);
                            return tensor && tensor->shape == wanted.shape;
                          });
  return candidate;
}

/// The architecture with the fewest differences; the first in the list where several have as few.
Candidate nearest_architecture(const StateDict& tensors, const Surroundings& surroundings,
                               const RebuildRequest& request) {
  std::optional<Candidate> best;
  for (const Architecture* architecture : all_architectures()) {
    Candidate candidate = compare(*architecture, tensors, surroundings, request);
    if (!best || candidate.mismatch.count < best->mismatch.count) best = std::move(candidate);
    if (best->mismatch.count == 0) break;
  }
  return *best;
}

/// The backbone is one that is known, and what stands behind it isn't.
[[noreturn]] void refuse_head(const Candidate& nearest, const StateDict& tensors, const Stem& stem) {
  std::string head = nearest.mismatch.first.empty() ? "" : nearest.mismatch.first.front();
  std::string name;
  for (const NamedTensor& entry : tensors) {  // the last module is the head, or a part of it
    if (!entry.name.ends_with("num_batches_tracked")) name = entry.name;
  }
  if (name.starts_with(stem.prefix) && !stem.prefix.empty()) name = name.substr(stem.prefix.size());
  name = name.substr(0, name.find('.'));
  throw Error(
      ErrorCode::model,
      "the backbone is " + std::string(nearest.architecture->name) + "'s, but the head " + printable(name) +
          " is neither torchvision's nor linear layers in an nn.Sequential with an activation (and a "
          "dropout) between them (" +
          head +
          "), and a state_dict doesn't tell what runs between layers: name that with --head-activation if "
          "they are linear layers one after another, or export the model to ONNX with torch.onnx.export "
          "and convert that");
}

[[noreturn]] void refuse(const Candidate& nearest, const std::string& asked_for, const StateDict& tensors,
                         const Stem& stem) {
  if (const std::string foreign = describe_foreign_names(tensors); !foreign.empty())
    throw Error(ErrorCode::model, foreign);
  if (nearest.features_fit && nearest.mismatch.count > 0) refuse_head(nearest, tensors, stem);
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

void check_classes(std::int64_t found, std::optional<std::int64_t> wanted, const std::string& source) {
  if (!wanted || *wanted == found) return;
  throw Error(ErrorCode::model, source + " says " + std::to_string(*wanted) +
                                    " classes, but the last layer has " + std::to_string(found) + " outputs");
}

/// BatchNorm divides by sqrt(running_var + epsilon): a NaN or an infinity anywhere would spoil every result
/// silently.
void check_finite(const OnnxGraph& graph) {
  for (std::size_t i = 0; i < graph.value_count(); ++i) {
    const OnnxValue& value = graph[graph.value_at(i)];
    if (!value.constant || value.constant->dtype != DType::float32) continue;
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

namespace {

const Architecture& require_architecture(const std::string& name) {
  if (const Architecture* found = find_architecture(name)) return *found;
  throw Error(ErrorCode::model,
              "architecture " + printable(name) + " can't be rebuilt from a state_dict; known are " +
                  comma_separated(architecture_names()) +
                  "; for any other, export to ONNX with torch.onnx.export and convert that");
}

Surroundings surroundings_of(const StateDict& tensors, const RebuildRequest& request) {
  Surroundings surroundings{find_stem(tensors)};
  if (!request.head_activation) return surroundings;
  if (!is_head_activation(*request.head_activation))
    throw Error(ErrorCode::usage,
                printable(*request.head_activation) +
                    " is none of relu, gelu, silu, hardswish, leaky_relu, tanh, sigmoid, elu, none",
                "--head-activation");
  surroundings.head_activation = *request.head_activation;
  surroundings.activation_known = true;
  return surroundings;
}

/// The architecture that is asked for or named, held against the tensors, or the one that they are of.
const Architecture& choose(const Architecture* named, const StateDict& tensors,
                           const Surroundings& surroundings, const RebuildRequest& request) {
  if (!named) {
    const Candidate nearest = nearest_architecture(tensors, surroundings, request);
    if (nearest.mismatch.count > 0) refuse(nearest, {}, tensors, surroundings.stem);
    return *nearest.architecture;
  }
  Candidate candidate = compare(*named, tensors, surroundings, request);
  if (candidate.mismatch.count == 0) return *named;
  Candidate nearest = nearest_architecture(tensors, surroundings, request);
  const std::string name(named->name);
  if (nearest.architecture != named && nearest.mismatch.count == 0)
    refuse(nearest, name, tensors, surroundings.stem);
  refuse(candidate, name, tensors, surroundings.stem);
}

void note_head(const Head& head, const Surroundings& surroundings, std::vector<std::string>& notes) {
  const bool assumed = std::ranges::any_of(head.layers, &HeadLayer::activation_before);
  if (!assumed || surroundings.activation_known) return;
  notes.push_back(
      "the head " + describe(head) +
      " is taken with ReLU between its layers, which a state_dict doesn't tell: name another with "
      "--head-activation");
}

}  // namespace

RebuiltModel rebuild_model(const Checkpoint& checkpoint, const RebuildRequest& request) {
  const StateDict& tensors = checkpoint.tensors;
  const Surroundings surroundings = surroundings_of(tensors, request);
  NamedArchitecture named;
  if (request.architecture)
    named.architecture = &require_architecture(*request.architecture);
  else
    named = find_named_architecture(checkpoint);
  const Architecture& chosen = choose(named.architecture, tensors, surroundings, request);
  Built built = build(chosen, tensors, surroundings, request, Weights::taken);
  check_classes(built.num_classes, request.num_classes, "--num-classes");
  check_classes(built.num_classes, configured_classes(checkpoint.config), checkpoint.config_from);
  check_finite(built.builder.graph());
  RebuiltModel model{std::move(built.builder.graph()),
                     std::string(chosen.name),
                     built.head ? describe(*built.head) : "torchvision's classifier",
                     built.num_classes,
                     request.architecture ? "--arch"
                     : named.architecture ? checkpoint.config_from
                                          : "the names and shapes of its tensors",
                     std::move(named.notes)};
  if (built.head) note_head(*built.head, surroundings, model.notes);
  return model;
}

}  // namespace calib8
