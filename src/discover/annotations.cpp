#include "discover/annotations.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <string>
#include <string_view>

#include "calib8/error.h"
#include "discover/text_file.h"

namespace calib8 {
namespace {

/// A label file of more bytes is not one.
constexpr std::uintmax_t kMostLabelBytes = std::uintmax_t{16} << 20;

/// The numbers of a line, separated by blanks. Fails where one is not a number.
std::vector<double> numbers_of(std::string_view line, const std::string& where) {
  std::vector<double> numbers;
  while (true) {
    const std::size_t begin = line.find_first_not_of(" \t");
    if (begin == std::string_view::npos) return numbers;
    line.remove_prefix(begin);
    double number = 0;
    const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), number);
    const bool ends = end == line.data() + line.size() || *end == ' ' || *end == '\t';
    if (error != std::errc() || !ends || !(std::abs(number) < 1e9)) {
      throw Error(ErrorCode::dataset, "is not a YOLO label: a line is `class x y width height`", where);
    }
    numbers.push_back(number);
    line.remove_prefix(static_cast<std::size_t>(end - line.data()));
  }
}

Box bounding_box(const std::vector<double>& numbers) {
  double low[2] = {1, 1}, high[2] = {0, 0};
  for (std::size_t i = 1; i < numbers.size(); ++i) {
    const std::size_t axis = (i - 1) % 2;
    low[axis] = std::min(low[axis], numbers[i]);
    high[axis] = std::max(high[axis], numbers[i]);
  }
  return {static_cast<int>(numbers[0]),
          static_cast<float>((low[0] + high[0]) / 2),
          static_cast<float>((low[1] + high[1]) / 2),
          static_cast<float>(high[0] - low[0]),
          static_cast<float>(high[1] - low[1]),
          false,
          true};
}

Box to_box(const std::vector<double>& numbers, const std::string& where) {
  const bool is_box = numbers.size() == 5 || numbers.size() == 6;  // the sixth is a confidence
  const bool is_polygon = numbers.size() >= 7 && numbers.size() % 2 == 1;
  const bool is_class = numbers[0] >= 0 && numbers[0] == static_cast<int>(numbers[0]);
  const auto in_range = [](double number) { return number >= 0 && number <= 1; };
  const std::ptrdiff_t coordinates = is_box ? 4 : static_cast<std::ptrdiff_t>(numbers.size()) - 1;
  if ((!is_box && !is_polygon) || !is_class ||
      !std::all_of(numbers.begin() + 1, numbers.begin() + 1 + coordinates, in_range)) {
    throw Error(
        ErrorCode::dataset,
        "is not a YOLO label: a line is `class x y width height`, the class from 0, the others 0 to 1",
        where);
  }
  if (is_polygon) return bounding_box(numbers);
  return {static_cast<int>(numbers[0]), static_cast<float>(numbers[1]), static_cast<float>(numbers[2]),
          static_cast<float>(numbers[3]), static_cast<float>(numbers[4])};
}

}  // namespace

std::filesystem::path yolo_label_path(const std::filesystem::path& image) {
  std::string path = image.string();
  constexpr std::string_view images = "/images/";
  if (const std::size_t part = path.rfind(images); part != std::string::npos)
    path.replace(part, images.size(), "/labels/");
  return std::filesystem::path(path).replace_extension(".txt");
}

bool YoloAnnotations::has_objects(const ImageEntry& image) const {
  std::error_code missing;
  const std::uintmax_t size = std::filesystem::file_size(yolo_label_path(image.path), missing);
  return !missing && size > 0;
}

bool YoloAnnotations::is_labelled(const ImageEntry& image) const {
  std::error_code missing;
  return std::filesystem::exists(yolo_label_path(image.path), missing);
}

std::vector<Box> YoloAnnotations::read_boxes(const ImageEntry& image) const {
  const std::filesystem::path path = yolo_label_path(image.path);
  std::error_code missing;
  if (!std::filesystem::exists(path, missing)) return {};
  std::vector<Box> boxes;
  std::size_t line_number = 0;
  const std::string text = read_text_file(path, kMostLabelBytes);
  for (const std::string_view line : lines_of(text)) {
    const std::string where = fmt::format("{}:{}", path.string(), ++line_number);
    const std::vector<double> numbers = numbers_of(line, where);
    if (!numbers.empty()) boxes.push_back(to_box(numbers, where));
  }
  return boxes;
}

}  // namespace calib8
