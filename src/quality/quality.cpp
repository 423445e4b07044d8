#include "quality/quality.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "image/decode.h"
#include "select/draw.h"

namespace calib8 {
namespace {

ImageFormat format_of_ending(const std::string& name) {
  std::string ending = std::filesystem::path(name).extension().string();
  for (char& c : ending) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  static const std::map<std::string, ImageFormat> endings = {
      {".jpg", ImageFormat::jpeg},  {".jpeg", ImageFormat::jpeg}, {".png", ImageFormat::png},
      {".webp", ImageFormat::webp}, {".bmp", ImageFormat::bmp},   {".tif", ImageFormat::tiff},
      {".tiff", ImageFormat::tiff}, {".jfif", ImageFormat::jpeg}, {".jpe", ImageFormat::jpeg},
      {".dib", ImageFormat::bmp},   {".ppm", ImageFormat::pnm},   {".pgm", ImageFormat::pnm},
      {".pbm", ImageFormat::pnm},   {".pnm", ImageFormat::pnm},   {".gif", ImageFormat::gif},
      {".avif", ImageFormat::avif}, {".heic", ImageFormat::heic}};
  const auto known = endings.find(ending);
  return known == endings.end() ? ImageFormat::unknown : known->second;
}

bool is_near_constant(const Image& image) {
  int low[3] = {255, 255, 255}, high[3] = {0, 0, 0};
  for (std::size_t i = 0; i < image.pixels.size(); i += 3) {
    for (std::size_t channel = 0; channel < 3; ++channel) {
      const int value = image.pixels[i + channel];
      low[channel] = std::min(low[channel], value);
      high[channel] = std::max(high[channel], value);
      if (high[channel] - low[channel] > kConstantLevels) return false;
    }
  }
  return true;
}

bool is_gray(const Image& image) {
  for (std::size_t i = 0; i < image.pixels.size(); i += 3) {
    if (image.pixels[i] != image.pixels[i + 1] || image.pixels[i] != image.pixels[i + 2]) return false;
  }
  return true;
}

Spread spread_of(std::vector<int>& values) {
  if (values.empty()) return {};
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>((values.size() - 1) / 2);
  std::nth_element(values.begin(), middle, values.end());
  const auto [least, most] = std::minmax_element(values.begin(), values.end());
  return {*least, *middle, *most};
}

void count(std::size_t& number, std::string& first, const std::string& text) {
  if (number++ == 0) first = text;
}

std::string of_images(std::size_t count, const QualityReport& report) {
  return fmt::format("{} of {} images", count, report.images + report.unreadable);
}

void warn_of_files(QualityReport& report) {
  auto& warnings = report.warnings;
  if (report.unreadable > 0) {
    warnings.push_back(fmt::format("{} can't be read, the first is {}: repair or remove them",
                                   of_images(report.unreadable, report), report.first_unreadable));
  }
  if (report.repeated > 0) {
    warnings.push_back(fmt::format("{} repeat another byte for byte, the first is {}: remove the copies",
                                   of_images(report.repeated, report), report.first_repeated));
  }
  if (report.near_constant > 0) {
    warnings.push_back(
        fmt::format("{} show almost nothing (one colour, within {} levels), the first is {}: remove them",
                    of_images(report.near_constant, report), kConstantLevels, report.first_near_constant));
  }
  if (report.other_ending > 0) {
    warnings.push_back(
        fmt::format("{} are of another format than their name says, the first is {}: they are "
                    "read by content, rename them",
                    of_images(report.other_ending, report), report.first_other_ending));
  }
  if (report.clipped > 0) {
    warnings.push_back(
        fmt::format("{} are 16 bit gray, whose values over 255 become white as in Pillow's convert(\"RGB\") "
                    "(torchvision's "
                    "loader), the first is {}: if training scaled them, save them in 8 bits by the same rule",
                    of_images(report.clipped, report), report.first_clipped));
  }
  if (report.images > 0 && report.gray == report.images) {
    warnings.emplace_back(
        "all images are gray: a model that sees colour in use needs colour images to calibrate on");
  }
}

void warn_of_classes(QualityReport& report, const DatasetListing& listing) {
  if (report.class_counts.empty()) return;
  const auto& counts = report.class_counts;
  const auto empty = static_cast<std::size_t>(std::count(counts.begin(), counts.end(), 0U));
  if (counts.size() - empty == 1) {
    report.warnings.emplace_back(
        "there is one class only: add images of the others, whose values calibration never sees");
  }
  if (empty > 0) {
    const auto first = static_cast<std::size_t>(std::find(counts.begin(), counts.end(), 0U) - counts.begin());
    report.warnings.push_back(
        fmt::format("{} of {} classes have no image, the first is {}: add images, or "
                    "remove the folders if they are no classes",
                    empty, counts.size(), listing.class_names[first]));
  }
}

nlohmann::json to_json(const Spread& spread) {
  return {{"min", spread.least}, {"median", spread.median}, {"max", spread.most}};
}

}  // namespace

ImageFacts examine(ByteView file, const Image& image) {
  ImageFacts facts;
  facts.width = image.width;
  facts.height = image.height;
  facts.format = format_of(file);
  facts.near_constant = is_near_constant(image);
  facts.gray = is_gray(image);
  facts.clipped = image.clipped;
  return facts;
}

void QualityCounter::add(const std::string& path, const ImageFacts& facts) {
  ++report_.images;
  widths_.push_back(facts.width);
  heights_.push_back(facts.height);
  ++report_.formats[std::string(name_of(facts.format))];
  report_.gray += facts.gray ? 1 : 0;
  if (facts.clipped) count(report_.clipped, report_.first_clipped, path);
  if (facts.near_constant) count(report_.near_constant, report_.first_near_constant, path);
  const ImageFormat named = format_of_ending(path);
  if (named != ImageFormat::unknown && named != facts.format) {
    count(report_.other_ending, report_.first_other_ending,
          fmt::format("{} (a {})", path, name_of(facts.format)));
  }
}

void QualityCounter::add_unreadable(const std::string& path, const std::string& reason) {
  count(report_.unreadable, report_.first_unreadable, path + " (" + reason + ")");
}

void QualityCounter::add_repeated(const std::string& path, const std::string& same_as) {
  count(report_.repeated, report_.first_repeated, path + " (as " + same_as + ")");
}

QualityReport QualityCounter::finish(const DatasetListing& listing, std::size_t calibration, bool all) {
  QualityReport report = report_;
  report.all = all;
  report.width = spread_of(widths_);
  report.height = spread_of(heights_);
  report.class_counts.resize(listing.class_names.size());
  for (std::size_t i = 0; i < listing.images.size() && !report.class_counts.empty(); ++i)
    ++report.class_counts[static_cast<std::size_t>(*listing.images.label(i))];
  if (calibration < kFewSamples) {
    report.warnings.push_back(
        fmt::format("{} {} calibrate: below {} the ranges are left to chance, add images "
                    "or raise --num-calib-samples",
                    calibration, calibration == 1 ? "image" : "images", kFewSamples));
  }
  warn_of_classes(report, listing);
  warn_of_files(report);
  return report;
}

nlohmann::json to_json(const QualityReport& report) {
  return {{"scope", report.all ? "all" : "drawn"},
          {"images", report.images},
          {"unreadable", report.unreadable},
          {"repeated", report.repeated},
          {"near_constant", report.near_constant},
          {"other_ending", report.other_ending},
          {"gray", report.gray},
          {"clipped", report.clipped},
          {"formats", report.formats},
          {"width", to_json(report.width)},
          {"height", to_json(report.height)},
          {"class_counts", report.class_counts},
          {"warnings", report.warnings}};
}

std::vector<std::string> to_lines(const QualityReport& report) {
  std::vector<std::string> lines;
  std::string formats;
  for (const auto& [format, number] : report.formats)
    formats += fmt::format("{}{} {}", formats.empty() ? "" : ", ", number, format);
  lines.push_back(fmt::format("{} {} opened{}: {}", report.images, report.images == 1 ? "image" : "images",
                              report.all ? " (all)" : "", formats));
  lines.push_back(fmt::format("width {} to {} pixels (median {}), height {} to {} (median {})",
                              report.width.least, report.width.most, report.width.median, report.height.least,
                              report.height.most, report.height.median));
  if (!report.class_counts.empty()) {
    std::vector<std::size_t> counts = report.class_counts;
    std::sort(counts.begin(), counts.end());
    lines.push_back(fmt::format("{} classes of {} to {} images (median {})", counts.size(), counts.front(),
                                counts.back(), counts[(counts.size() - 1) / 2]));
  }
  for (const std::string& warning : report.warnings) lines.push_back("warning: " + warning);
  return lines;
}

}  // namespace calib8
