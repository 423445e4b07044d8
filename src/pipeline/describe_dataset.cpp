#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "calib8/error.h"
#include "image/preprocess.h"
#include "pipeline/representative_dataset.h"
#include "report/table.h"

namespace calib8 {
namespace {

/// Classes that the table shows.
constexpr std::size_t most_rows = 20;

/// A word in the margin, then the text; further lines of the same word leave the margin empty.
class Lines {
 public:
  void add(const std::string& word, const std::string& text) {
    text_ += fmt::format("  {:<10} {}\n", word == last_ ? "" : word, one_line(text));
    last_ = word;
  }
  void add(const Table& table) {
    text_ += to_text(table, 13);
    last_.clear();
  }
  std::string take() { return std::move(text_); }

 private:
  std::string text_, last_;
};

Table class_table(const std::vector<ClassCount>& classes, const RepresentativeData& data) {
  const bool detection = data.folder->listing.annotations != nullptr;
  Table table;
  table.columns = {{"class"},
                   {detection                     ? "objects"
                    : data.folder->listing.arrays ? "files"
                                                  : "images",
                    true}};
  if (!detection) table.columns.push_back({"samples", true});
  const std::size_t shown = classes.size() > most_rows ? most_rows - 1 : classes.size();
  for (std::size_t i = 0; i < shown; ++i) {
    const ClassCount& of = classes[i];
    table.rows.push_back({escaped(of.name)});
    if (!detection) table.rows.back().push_back(fmt::format("{}", of.files));
    table.rows.back().push_back(fmt::format("{}", of.samples));
  }
  if (shown < classes.size()) table.rows.push_back({fmt::format("and {} more", classes.size() - shown)});
  return table;
}

}  // namespace

DrawnSample drawn_sample(const RepresentativeData& data, std::size_t index) {
  if (const auto* images = std::get_if<SampleSets<ImageSource>>(&data.files)) {
    const UsedImages& used = *images->calibration->used();
    return {used.files[index], std::nullopt, used.sha256(index)};
  }
  const ArrayFileSource& arrays = *std::get<SampleSets<ArrayFileSource>>(data.files).calibration;
  const UsedArray& array = arrays.arrays().at(index);
  return {array.entry, array.row, to_text(array.sha256)};
}

std::string object_name(const RepresentativeData& data, int class_index) {
  const auto index = static_cast<std::size_t>(class_index);
  return index < data.folder->listing.object_names.size() ? data.folder->listing.object_names[index]
                                                          : std::to_string(class_index);
}

std::vector<ClassCount> count_classes(const RepresentativeData& data, std::vector<std::string>& failures) {
  std::map<int, ClassCount> counts;
  for (std::size_t i = 0; i < data.folder->listing.class_names.size(); ++i) {
    ClassCount& count = counts[static_cast<int>(i)];
    count.name = data.folder->listing.class_names[i];
    count.files = data.folder->class_counts.at(i);
  }
  for (std::size_t i = 0; i < data.samples.calibration->size(); ++i) {
    const ImageEntry entry = drawn_sample(data, i).entry;
    if (entry.label) ++counts[*entry.label].samples;
    if (!data.folder->listing.annotations) continue;
    try {
      for (const Box& box : data.folder->listing.annotations->read_boxes(entry))
        ++counts[box.class_index].samples;
    } catch (const Error& error) {
      if (error.code() != ErrorCode::dataset) throw;
      failures.emplace_back(error.what());
    }
  }
  std::vector<ClassCount> classes;
  for (auto& [index, count] : counts) {
    if (data.folder->listing.annotations) count.name = object_name(data, index);
    classes.push_back(std::move(count));
  }
  return classes;
}

std::string describe(const RepresentativeData& data) {
  Lines lines;
  lines.add("data", data.folder->listing.layout);
  lines.add("folder", data.folder->path.string());
  for (const std::string& note : data.findings.notes) lines.add("note", note);
  lines.add("samples", fmt::format("{}", data.samples.calibration->size()));
  std::vector<std::string> failures;
  const std::vector<ClassCount> classes = count_classes(data, failures);
  if (!classes.empty()) lines.add(class_table(classes, data));
  if (data.findings.quality) {
    for (const std::string& line : to_lines(*data.findings.quality)) {
      if (!line.starts_with("warning: ")) lines.add("quality", line);
    }
  }
  for (const std::string& warning : data.findings.warnings) lines.add("warning", warning);
  if (!failures.empty()) {
    lines.add("warning", fmt::format("{} of {} label files can't be read, the first: {}", failures.size(),
                                     data.samples.calibration->size(), failures[0]));
  }
  if (data.preprocessing) {
    const Preprocessing& steps = data.preprocessing->steps;
    lines.add("input", describe(steps));
    lines.add("input", fmt::format("as {} ({})", steps.name, data.preprocessing->from));
  }
  for (const ArrayInput& input : data.inputs) {
    if (!data.preprocessing)
      lines.add("input", fmt::format("{}{} float32, as the arrays are",
                                     input.name.empty() ? "" : input.name + " ", to_string(input.shape)));
  }
  return lines.take();
}

}  // namespace calib8
