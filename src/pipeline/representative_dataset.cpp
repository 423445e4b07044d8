#include "pipeline/representative_dataset.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/parallel.h"
#include "calib8/dataset.h"
#include "calib8/version.h"
#include "image/preprocessing_json.h"
#include "pipeline/check_options.h"
#include "pipeline/output_files.h"
#include "pipeline/preview.h"
#include "pipeline/python_module.h"
#include "pipeline/report_text.h"
#include "pipeline/source.h"
#include "report/report_json.h"
#include "samples/value_statistics.h"

namespace calib8 {
namespace {

SampleArray to_array(const Tensor& tensor) {
  const auto values = tensor.as<float>();
  return {tensor.shape, {values.begin(), values.end()}};
}

ValueStatistics to_statistics(const ValueCounter& counter) {
  return {counter.least(), counter.most(), counter.mean(), counter.deviation()};
}

RepresentativeData open(const DatasetOptions& options, int threads) {
  const std::filesystem::path folder = dataset_folder(options, "");
  SampleRequest request;
  if (!options.model.empty()) request = read_model_inputs(options);
  request.threads = threads;
  RepresentativeData data = open_representative_data(folder, options, request);
  data.samples.verification = nullptr;
  const auto forget = [](auto& files) {
    if constexpr (requires { files.verification; }) files.verification = nullptr;
  };
  std::visit(forget, data.files);
  return data;
}

}  // namespace

struct RepresentativeDataset::Found {
  int threads;
  RepresentativeData data;
  std::string preprocessing;
};

RepresentativeDataset::RepresentativeDataset(const DatasetOptions& options) {
  check_options(options);
  const int threads = options.threads > 0 ? options.threads : usable_cores();
  RepresentativeData data = open(options, threads);
  std::string preprocessing =
      to_json(describe_preprocessing(data)).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  found_ = std::make_shared<const Found>(Found{threads, std::move(data), std::move(preprocessing)});
}

std::size_t RepresentativeDataset::size() const {
  return found_->data.samples.calibration->size();
}

RepresentativeSample RepresentativeDataset::sample(std::size_t index) const {
  if (index >= size())
    throw Error(ErrorCode::usage, fmt::format("there is no sample {}: there are {}", index, size()));
  const Sample loaded = found_->data.samples.calibration->load(index);
  RepresentativeSample sample;
  for (const auto& [name, tensor] : loaded.inputs) sample.inputs.emplace(name, to_array(tensor));
  sample.label = loaded.label;
  sample.path = path(index);
  return sample;
}

std::string RepresentativeDataset::path(std::size_t index) const {
  const DrawnSample drawn = drawn_sample(found_->data, index);
  return drawn.entry.relative_path + (drawn.row ? fmt::format("[{}]", *drawn.row) : "");
}

std::optional<int> RepresentativeDataset::label(std::size_t index) const {
  return drawn_sample(found_->data, index).entry.label;
}

std::vector<std::pair<std::string, std::vector<std::int64_t>>> RepresentativeDataset::inputs() const {
  std::vector<std::pair<std::string, std::vector<std::int64_t>>> inputs;
  for (const ArrayInput& input : found_->data.inputs) inputs.emplace_back(input.name, input.shape);
  return inputs;
}

const std::filesystem::path& RepresentativeDataset::folder() const {
  return found_->data.folder->path;
}
const std::string& RepresentativeDataset::layout() const {
  return found_->data.folder->listing.layout;
}
const std::vector<std::string>& RepresentativeDataset::class_names() const {
  return found_->data.folder->listing.class_names;
}
const std::vector<std::string>& RepresentativeDataset::object_names() const {
  return found_->data.folder->listing.object_names;
}
const std::vector<std::string>& RepresentativeDataset::notes() const {
  return found_->data.findings.notes;
}
const std::vector<std::string>& RepresentativeDataset::warnings() const {
  return found_->data.findings.warnings;
}
const std::string& RepresentativeDataset::preprocessing() const {
  return found_->preprocessing;
}

std::optional<std::pair<float, float>> RepresentativeDataset::value_range() const {
  if (!found_->data.preprocessing) return std::nullopt;
  const Tensor black = normalize({1, 1, {0, 0, 0}}, found_->data.preprocessing->steps);
  const Tensor white = normalize({1, 1, {255, 255, 255}}, found_->data.preprocessing->steps);
  std::vector<float> ends = to_float(black);
  for (const float value : white.as<float>()) ends.push_back(value);
  const auto [least, most] = std::minmax_element(ends.begin(), ends.end());
  return std::pair(*least, *most);
}

std::vector<InputStatistics> RepresentativeDataset::measure(std::size_t first, std::size_t count) const {
  const RepresentativeData& data = found_->data;
  const std::size_t end = std::min(size(), first + std::min(count, size()));
  std::vector<InputCounter> counters(data.inputs.size());
  const std::size_t block = static_cast<std::size_t>(found_->threads) * 4;  // samples held at a time
  for (std::size_t begin = first; begin < end; begin += block) {
    std::vector<std::vector<InputCounter>> parts(std::min(block, end - begin));
    parallel_for(parts.size(), found_->threads, [&](int, std::size_t i) {
      const Sample sample = data.samples.calibration->load(begin + i);
      parts[i].resize(data.inputs.size());
      for (std::size_t k = 0; k < data.inputs.size(); ++k) {
        const Tensor& tensor = sample.inputs.at(data.inputs[k].name);
        parts[i][k].add(tensor.as<float>(), tensor.shape);
      }
    });
    for (const auto& part : parts) {
      for (std::size_t k = 0; k < counters.size(); ++k) counters[k].merge(part[k]);
    }
  }
  std::vector<InputStatistics> statistics;
  for (std::size_t k = 0; k < counters.size(); ++k) {
    InputStatistics of_input{
        data.inputs[k].name, data.inputs[k].shape, to_statistics(counters[k].values()), {}};
    of_input.shape[0] = static_cast<std::int64_t>(end > first ? end - first : 0);
    for (const ValueCounter& channel : counters[k].channels())
      of_input.channels.push_back(to_statistics(channel));
    statistics.push_back(std::move(of_input));
  }
  return statistics;
}

std::string RepresentativeDataset::describe() const {
  return calib8::describe(found_->data);
}

Report RepresentativeDataset::report() const {
  return make_report({{"calib8_version", version},
                      {"dataset", to_json(describe_dataset(found_->data))},
                      {"preprocessing", to_json(describe_preprocessing(found_->data))}},
                     found_->data);
}

void RepresentativeDataset::write_preview(const std::filesystem::path& file, std::size_t most) const {
  keep_apart(std::span(&file, 1), found_->data);
  calib8::write_preview(found_->data, file, most, found_->threads);
}

void RepresentativeDataset::write_module(const std::filesystem::path& file) const {
  keep_apart(std::span(&file, 1), found_->data);
  write_python_module(found_->data, file);
}

}  // namespace calib8
