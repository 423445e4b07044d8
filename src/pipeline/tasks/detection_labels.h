#pragma once

#include <string>
#include <vector>

#include "pipeline/representative_data.h"
#include "tasks/detection/detection_task.h"

namespace calib8 {

/// How a data set numbers the classes of its objects, as the model does.
struct ObjectClasses {
  std::vector<int> of_model;  ///< By the data's number; empty: they are numbered alike.
  std::size_t in_model = 0;   ///< How many the model has; 0: unknown.
  std::vector<std::string> notes;
};

/// By their names where both have these and the model has all of the data's.
ObjectClasses number_objects(const std::vector<std::string>& of_data,
                             const std::vector<std::string>& of_model, std::size_t in_model);

/// What a data set says is in some of its pictures.
struct DetectionLabels {
  std::vector<DetectionSample> samples;  ///< One a picture; without objects where nothing says what they are.
  std::vector<std::string> notes;        ///< What a person should know of the labels, one sentence each.
};

/// Reads the labels of a source's pictures. A label file that is damaged leaves its picture out, and a note
/// names the first; classes that the model can't have leave all out.
DetectionLabels read_labels(const RepresentativeData& data, const ImageSource& images,
                            const ObjectClasses& classes);

}  // namespace calib8
