#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "dataset_bindings.h"
#include "tasks/detection/average_precision.h"
#include "tasks/detection/heads/head.h"
#include "tasks/detection/suppress_overlaps.h"

namespace nb = nanobind;
using namespace nb::literals;

namespace {

using Array = nb::ndarray<const float, nb::c_contig, nb::device::cpu>;
using Boxes = nb::ndarray<const float, nb::ndim<2>, nb::c_contig, nb::device::cpu>;

calib8::Corners corners(const float* row) {
  return {row[0], row[1], row[2], row[3]};
}

/// left, top, right, bottom, score, class
std::vector<calib8::FoundBox> found_boxes(const Boxes& array) {
  std::vector<calib8::FoundBox> boxes;
  for (std::size_t i = 0; i < array.shape(0); ++i) {
    const float* row = array.data() + i * array.shape(1);
    boxes.push_back({corners(row), row[4], static_cast<int>(row[5])});
  }
  return boxes;
}

/// left, top, right, bottom, class, whether it is a crowd
std::vector<calib8::TrueBox> true_boxes(const Boxes& array) {
  std::vector<calib8::TrueBox> boxes;
  for (std::size_t i = 0; i < array.shape(0); ++i) {
    const float* row = array.data() + i * array.shape(1);
    boxes.push_back({corners(row), static_cast<int>(row[4]), row[5] != 0});
  }
  return boxes;
}

std::vector<float> rows(const std::vector<calib8::FoundBox>& boxes) {
  std::vector<float> values;
  for (const auto& [at, score, index] : boxes)
    values.insert(values.end(), {at.left, at.top, at.right, at.bottom, score, static_cast<float>(index)});
  return values;
}

/// The head's name, and the boxes that the outputs tell; None where they are no known detector's. A head is
/// recognized by `example`, or by the outputs themselves.
std::optional<std::pair<std::string, std::vector<float>>> find_boxes(
    const std::vector<Array>& outputs, std::pair<int, int> input_size, std::optional<std::size_t> classes,
    const std::string& task, float least_score, std::optional<float> most_overlap, std::size_t most_boxes) {
  std::vector<float> values;
  calib8::HeadQuestion question{{}, input_size.first, input_size.second, classes, task};
  for (const Array& output : outputs) {
    calib8::Shape& shape = question.outputs.emplace_back();
    for (std::size_t i = 0; i < output.ndim(); ++i)
      shape.push_back(static_cast<std::int64_t>(output.shape(i)));
    values.insert(values.end(), output.data(), output.data() + output.size());
  }
  question.example = values;
  const auto head = calib8::recognize_head(question);
  if (!head) return std::nullopt;
  std::vector<calib8::FoundBox> found;
  head->decode(values, least_score, found);
  if (most_overlap)
    found = calib8::suppress_overlaps(std::move(found),
                                      {.most_overlap = *most_overlap, .most_boxes = most_boxes});
  return std::pair(head->name, rows(found));
}

std::pair<double, double> mean_precision(const std::vector<Boxes>& found, const std::vector<Boxes>& objects) {
  std::vector<std::vector<calib8::FoundBox>> of_found;
  std::vector<std::vector<calib8::TrueBox>> of_objects;
  for (const Boxes& array : found) of_found.push_back(found_boxes(array));
  for (const Boxes& array : objects) of_objects.push_back(true_boxes(array));
  const auto precision = calib8::BoxMatches(of_found, of_objects).precision();
  return {precision.at_50, precision.at_50_95};
}

}  // namespace

void bind_detection(nb::module_& module) {
  module.def("find_boxes", &find_boxes, "outputs"_a, "input_size"_a, "classes"_a = nb::none(), "task"_a = "",
             "least_score"_a = 0.25f, "most_overlap"_a = nb::none(), "most_boxes"_a = 300);
  module.def("mean_precision", &mean_precision, "found"_a, "objects"_a);
}
