#include "pipeline/tasks/detection_labels.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "calib8/error.h"
#include "pipeline/class_numbers.h"

namespace calib8 {
namespace {

/// What was seen while labels were read.
struct Tally {
  std::size_t unlabelled = 0, outlines = 0, damaged = 0;
  std::string first_damage;
  int largest_class = -1;
};

PictureFrame frame_of(const PictureSize& size, const Preprocessing& steps) {
  const Placement placed = placement_of(size.height, size.width, steps);
  return {static_cast<double>(size.height),   static_cast<double>(size.width),
          static_cast<double>(placed.height), static_cast<double>(placed.width),
          static_cast<double>(placed.top),    static_cast<double>(placed.left)};
}

TrueBox to_object(const Box& box, const PictureSize& size, const std::vector<int>& of_model) {
  const double width = size.width, height = size.height;
  const auto index = static_cast<std::size_t>(box.class_index);
  return {{static_cast<float>((double{box.x} - box.width / 2) * width),
           static_cast<float>((double{box.y} - box.height / 2) * height),
           static_cast<float>((double{box.x} + box.width / 2) * width),
           static_cast<float>((double{box.y} + box.height / 2) * height)},
          index < of_model.size() ? of_model[index] : box.class_index,
          box.is_crowd};
}

std::optional<std::vector<TrueBox>> objects_of(const Annotations& annotations, const ImageEntry& image,
                                               const PictureSize& size, const ObjectClasses& classes,
                                               Tally& tally) {
  std::vector<TrueBox> objects;
  try {
    for (const Box& box : annotations.read_boxes(image)) {
      tally.outlines += box.is_outline ? 1 : 0;
      objects.push_back(to_object(box, size, classes.of_model));
      tally.largest_class = std::max(tally.largest_class, objects.back().class_index);
    }
  } catch (const Error& error) {
    if (error.code() != ErrorCode::dataset) throw;
    if (tally.damaged++ == 0) tally.first_damage = error.what();
    return std::nullopt;
  }
  if (!annotations.is_labelled(image)) ++tally.unlabelled;
  return objects;
}

std::string plural(std::size_t count, const char* what) {
  return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

void note(const Tally& tally, std::size_t pictures, std::vector<std::string>& notes) {
  if (tally.damaged > 0) {
    notes.push_back(fmt::format("the labels of {} can't be read and don't count; the first: {}",
                                plural(tally.damaged, "picture"), tally.first_damage));
  }
  if (tally.unlabelled > 0 && tally.unlabelled < pictures)
    notes.push_back(fmt::format("{} without a label file: taken as without an object",
                                plural(tally.unlabelled, "picture")));
  if (tally.outlines > 0)
    notes.push_back(
        fmt::format("{} marked by an outline: its bounding box is taken", plural(tally.outlines, "object")));
}

}  // namespace

ObjectClasses number_objects(const std::vector<std::string>& of_data,
                             const std::vector<std::string>& of_model, std::size_t in_model) {
  ObjectClasses classes{{}, in_model, {}};
  if (of_data.empty() || of_model.empty() || of_data == of_model) return classes;
  classes.of_model = places_among(of_data, of_model);
  if (classes.of_model.empty()) {
    classes.notes.push_back(
        fmt::format("the data name {} classes of objects and the model's file {}, not all of them the same: "
                    "objects are taken as the data number them",
                    of_data.size(), of_model.size()));
  } else if (!std::ranges::is_sorted(classes.of_model)) {
    classes.notes.emplace_back("objects are numbered by the names of the model's classes");
  }
  return classes;
}

DetectionLabels read_labels(const RepresentativeData& data, const ImageSource& images,
                            const ObjectClasses& classes) {
  DetectionLabels labels;
  Tally tally;
  const Annotations* annotations = data.folder->listing.annotations.get();
  const UsedImages& used = *images.used();
  for (std::size_t i = 0; i < images.size(); ++i) {
    DetectionSample& sample = labels.samples.emplace_back();
    sample.frame = frame_of(used.sizes[i], images.preprocessing());
    if (annotations != nullptr)
      sample.objects = objects_of(*annotations, used.files[i], used.sizes[i], classes, tally);
  }
  note(tally, images.size(), labels.notes);
  const bool has_others = classes.in_model > 0 && tally.largest_class >= static_cast<int>(classes.in_model);
  const bool is_labelled = annotations != nullptr && tally.unlabelled < images.size();
  if (has_others) {
    labels.notes.push_back(fmt::format(
        "the labels name class {}, and the model has {}, numbered from 0: they are of another model, "
        "and not used",
        tally.largest_class, classes.in_model == 1 ? "one" : fmt::format("{} classes", classes.in_model)));
  }
  if (is_labelled && !has_others) return labels;
  for (DetectionSample& sample : labels.samples) sample.objects.reset();
  return labels;
}

}  // namespace calib8
