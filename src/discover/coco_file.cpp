#include "discover/coco_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/interrupt.h"
#include "calib8/error.h"

namespace calib8 {
namespace {

constexpr std::uintmax_t kMostBytes = std::uintmax_t{1} << 31;

/// Receives the file's values as they are read. The members that matter lie at fixed depths: an object (1), a
/// list (2), its entries (3), and in these a box (4).
class CocoReader : public nlohmann::json_sax<nlohmann::json> {
 public:
  CocoReader(CocoFile& file, std::string where) : file_(file), where_(std::move(where)) {}

  bool null() override { return scalar("null"); }
  bool boolean(bool) override { return scalar("a truth value"); }
  bool number_integer(number_integer_t value) override {
    return number(static_cast<double>(value), true, value);
  }
  bool number_unsigned(number_unsigned_t value) override {
    return number(static_cast<double>(value), value <= INT64_MAX, static_cast<std::int64_t>(value));
  }
  bool number_float(number_float_t value, const string_t&) override { return number(value, false, 0); }
  bool string(string_t& value) override {
    if (depth_ != 3) return scalar("a string");
    if (section_ == "images" && key_ == "file_name") {
      picture_.file_name = std::move(value);
    } else if (section_ == "categories" && key_ == "name") {
      category_.name = std::move(value);
    } else {
      return scalar("a string");
    }
    return true;
  }
  bool binary(binary_t&) override { return true; }
  bool start_object(std::size_t) override {
    if (depth_ >= 1) refuse_container("an object");
    ++depth_;
    if (depth_ == 3) begin_entry();
    return true;
  }
  bool key(string_t& value) override {
    if (depth_ == 1)
      section_ = std::move(value);
    else if (depth_ == 3)
      key_ = std::move(value);
    return true;
  }
  bool end_object() override {
    if (depth_ == 3) end_entry();
    --depth_;
    return true;
  }
  bool start_array(std::size_t) override {
    if (depth_ == 0) refuse("is a list: a COCO file is an object with images and annotations");
    if (depth_ == 3 && key_ == "bbox" && section_ == "annotations")
      coordinates_ = 0;
    else if (depth_ >= 2)
      refuse_container("a list");
    ++depth_;
    return true;
  }
  bool end_array() override {
    --depth_;
    return true;
  }
  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::detail::exception& error) override {
    refuse(fmt::format("is not valid JSON at byte {}: {}", position, error.what()));
  }

 private:
  [[noreturn]] void refuse(const std::string& message) const {
    throw Error(ErrorCode::dataset, message, where_);
  }
  std::string here() const {
    if (depth_ < 3) return fmt::format("'{}'", section_);
    return fmt::format("{}[{}].{}", section_, entry_, key_);
  }

  bool is_number_wanted() const {
    if (section_ == "images") return key_ == "id" || key_ == "width" || key_ == "height";
    if (section_ == "annotations") return key_ == "image_id" || key_ == "category_id";
    return section_ == "categories" && key_ == "id";
  }
  bool is_text_wanted() const {
    return (section_ == "images" && key_ == "file_name") || (section_ == "categories" && key_ == "name");
  }
  bool is_list_wanted() const {
    return section_ == "images" || section_ == "annotations" || section_ == "categories";
  }

  void refuse_container(const char* what) const {
    if (depth_ == 1 && is_list_wanted() && what[1] == 'n') refuse(here() + " is an object, not a list");
    if (depth_ == 2 && is_list_wanted() && what[1] != 'n') refuse(here() + " holds lists, not objects");
    if (depth_ == 3 && (is_number_wanted() || is_text_wanted())) refuse(here() + " is " + what);
    if (in_box()) refuse(here() + " is not four numbers");
  }
  bool in_box() const { return depth_ == 4 && section_ == "annotations" && key_ == "bbox"; }

  /// A value where none of that type is wanted.
  bool scalar(const char* what) const {
    if (depth_ == 0) refuse(fmt::format("is {}: a COCO file is an object with images and annotations", what));
    if (depth_ <= 2 && is_list_wanted()) refuse(fmt::format("{} is {}, not a list of objects", here(), what));
    if (depth_ == 3 && (is_number_wanted() || is_text_wanted()))
      refuse(fmt::format("{} is {}", here(), what));
    if (in_box()) refuse(here() + " is not four numbers");
    return true;
  }

  bool number(double value, bool whole, std::int64_t integer) {
    if (in_box()) {
      if (coordinates_ > 3 || !std::isfinite(value)) refuse(here() + " is not four numbers");
      box_[coordinates_++] = static_cast<float>(value);
      return true;
    }
    if (depth_ == 3 && section_ == "annotations" && key_ == "iscrowd") {
      object_.is_crowd = value != 0;
      return true;
    }
    if (depth_ != 3 || !is_number_wanted()) return scalar("a number");
    const bool is_size = key_ == "width" || key_ == "height";
    if (is_size) {
      (key_ == "width" ? picture_.width : picture_.height) = value;
      return true;
    }
    if (!whole) refuse(here() + " is not a whole number");
    if (section_ == "images")
      picture_.id = integer;
    else if (section_ == "categories")
      category_.id = integer;
    else
      (key_ == "image_id" ? object_.image : object_.category) = integer;
    return true;
  }

  void begin_entry() {
    if (++entries_seen_ % 4096 == 0) throw_if_interrupted();
    if (section_ != entry_section_)
      entry_ = 0;
    else
      ++entry_;
    entry_section_ = section_;
    picture_ = {};
    category_ = {};
    object_ = {};
    coordinates_ = 0;
    key_.clear();
  }

  void end_entry() {
    if (section_ == "images") file_.images.push_back(std::move(picture_));
    if (section_ == "categories") file_.categories.push_back(std::move(category_));
    if (section_ != "annotations" || coordinates_ == 0) return;  // a caption, or an outline without its box
    key_ = "bbox";
    if (coordinates_ != 4) refuse(here() + " is not four numbers");
    object_.left = box_[0];
    object_.top = box_[1];
    object_.width = box_[2];
    object_.height = box_[3];
    file_.objects.push_back(object_);
  }

  CocoFile& file_;
  std::string where_;
  std::string section_, key_, entry_section_;
  std::size_t depth_ = 0, entry_ = 0, entries_seen_ = 0, coordinates_ = 0;
  CocoFile::Picture picture_;
  CocoFile::Category category_;
  CocoFile::Object object_;
  float box_[4] = {};
};

}  // namespace

CocoFile read_coco(const std::filesystem::path& path) {
  std::error_code error;
  const std::uintmax_t size = std::filesystem::file_size(path, error);
  if (!error && size > kMostBytes) throw Error(ErrorCode::dataset, "is larger than 2 GiB", path.string());
  std::ifstream stream(path, std::ios::binary);
  if (error || !stream) throw Error(ErrorCode::dataset, "cannot be read", path.string());
  CocoFile file;
  CocoReader reader(file, path.string());
  nlohmann::json::sax_parse(stream, &reader);
  std::stable_sort(file.objects.begin(), file.objects.end(),
                   [](const CocoFile::Object& a, const CocoFile::Object& b) { return a.image < b.image; });
  std::stable_sort(file.categories.begin(), file.categories.end(),
                   [](const CocoFile::Category& a, const CocoFile::Category& b) { return a.id < b.id; });
  return file;
}

}  // namespace calib8
