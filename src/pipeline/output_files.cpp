#include "pipeline/output_files.h"

#include <fmt/format.h>

#include <vector>

#include "read/onnx/onnx.h"
#include "read/tflite.h"
#include "write/onnx.h"

namespace calib8 {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> all_of(const OutputPaths& paths) {
  std::vector<fs::path> all = {paths.onnx, paths.tflite, paths.metadata};
  if (paths.plan) all.push_back(*paths.plan);
  return all;
}

/// Puts bytes into a file that is committed later.
WrittenFile describe(const fs::path& path, std::uint64_t bytes, const AtomicFile& file, std::string type) {
  return {path.string(), bytes, file.sha256(), std::move(type), {}};
}

bool is_within(const fs::path& file, const fs::path& folder) {
  const fs::path relative = file.lexically_relative(folder);
  return !relative.empty() && *relative.begin() != "..";
}

/// Whether a file is what an earlier export may have left: its format's first bytes, or JSON with a member
/// that calib8 writes.
bool looks_like_output(const fs::path& path) {
  std::error_code failure;
  if (fs::file_size(path, failure) == 0 || failure) return false;
  const Data file = map_file(path);
  if (looks_like_onnx(file.bytes()) || looks_like_tflite(file.bytes())) return true;
  const std::string_view text(reinterpret_cast<const char*>(file.bytes().data()), file.size());
  if (text.starts_with('{'))
    return text.find("\"calib8_version\"") != text.npos || text.find("\"float_operators\"") != text.npos;
  return text.starts_with("\"\"\"Representative data:") ||
         (text.starts_with("<!doctype html>") &&
          text.find("<title>Representative data</title>") != text.npos);
}

template <class Source, class PathOf>
void visit_paths(const SampleSets<Source>& sets, const PathOf& path_of,
                 const std::function<void(const fs::path&)>& visit) {
  for (const auto& set : {sets.calibration, sets.selection, sets.verification}) {
    for (std::size_t i = 0; set && i < set->size(); ++i) visit(path_of(*set, i));
  }
}

/// Calls `visit` with the file of each sample.
void visit_samples(const SampleFiles& files, const std::function<void(const fs::path&)>& visit) {
  if (const auto* images = std::get_if<SampleSets<ImageSource>>(&files))
    visit_paths(
        *images, [](const ImageSource& set, std::size_t i) { return set.images()[i].path; }, visit);
  if (const auto* arrays = std::get_if<SampleSets<ArrayFileSource>>(&files))
    visit_paths(
        *arrays, [](const ArrayFileSource& set, std::size_t i) { return set.arrays()[i].entry.path; }, visit);
}

[[noreturn]] void refuse(const fs::path& output, const std::string& what) {
  throw Error(ErrorCode::usage,
              fmt::format("would overwrite {} that is read; choose another --output-dir or name", what),
              output.string());
}

}  // namespace

void keep_apart(std::span<const fs::path> outputs, const RepresentativeData& data) {
  if (!data.folder) return;
  std::error_code failure;  // what can't be looked at isn't there
  std::vector<fs::path> there;
  for (const fs::path& output : outputs) {
    if (fs::exists(output, failure)) there.push_back(output);
  }
  if (there.empty()) return;
  const fs::path root = fs::canonical(data.folder->listing.root, failure);
  for (const fs::path& output : there) {
    if (is_within(fs::canonical(output, failure), root) && !looks_like_output(output))
      refuse(output, "a file of the data set");
  }
  visit_samples(data.files, [&](const fs::path& sample) {
    for (const fs::path& output : there) {
      if (fs::equivalent(output, sample, failure)) refuse(output, "an image");
    }
  });
}

OutputFiles::OutputFiles(const ExportOptions& options) {
  paths_.onnx = options.onnx_path.value_or(options.output_dir / "model.onnx");
  paths_.tflite = options.tflite_path.value_or(options.output_dir / "model.tflite");
  paths_.metadata = paths_.tflite;
  paths_.metadata += ".quantization_metadata";
  paths_.plan = options.plan_out;
  const std::vector<fs::path> all = all_of(paths_);
  for (std::size_t i = 0; i < all.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (lead_to_same_file(all[i], all[j]))
        throw Error(ErrorCode::usage, "two outputs can't be the same file", all[i].string());
    }
  }
  keep_apart_from(options.model, "the model");
  // Earlier metadata may be both: what takes their place names the same samples and steps again.
  const auto keep_apart_unless_metadata = [&](const fs::path& input, const std::string& what) {
    if (lead_to_same_file(input, paths_.metadata) && looks_like_output(input)) return;
    keep_apart_from(input, what);
  };
  if (options.samples_in) keep_apart_unless_metadata(*options.samples_in, "the list of samples");
  if (options.preprocessing) keep_apart_unless_metadata(*options.preprocessing, "the preprocessing");
  if (options.dataset_dir) keep_apart_from(*options.dataset_dir, "the data set");
}

void OutputFiles::keep_apart_from(const fs::path& input, const std::string& what) const {
  for (const fs::path& output : all_of(paths_)) {
    if (lead_to_same_file(output, input)) refuse(output, what);
  }
}

void OutputFiles::keep_apart_from(const RepresentativeData& data) const {
  keep_apart(all_of(paths_), data);
}

WrittenFile OutputFiles::write_onnx(const OnnxGraph& graph) {
  AtomicFile& file = onnx_.emplace(paths_.onnx);
  std::uint64_t bytes = 0;
  calib8::write_onnx(graph, [&](ByteView part) {
    file.write(part);
    bytes += part.size();
  });
  file.finish();
  return describe(paths_.onnx, bytes, file, "float32");
}

WrittenFile OutputFiles::write_tflite(ByteView bytes, const std::string& type) {
  AtomicFile& file = tflite_.emplace(paths_.tflite);
  file.write(bytes);
  file.finish();
  return describe(paths_.tflite, bytes.size(), file, type);
}

void OutputFiles::write_plan(const std::string& text) {
  plan_.emplace(*paths_.plan).write(std::as_bytes(std::span(text)));
  plan_->finish();
}

void OutputFiles::write_metadata(const Report& report) {
  AtomicFile& file = metadata_.emplace(paths_.metadata);
  report.write([&](std::string_view part) { file.write(std::as_bytes(std::span(part))); });
  file.finish();
}

/// The metadata, which hold the hashes of the others, are last: where the process is killed in between, they
/// are the earlier ones, and their hashes tell that a model beside them is not theirs. The next export
/// replaces all.
void OutputFiles::commit() {
  std::vector<AtomicFile> files;
  for (std::optional<AtomicFile>* file : {&plan_, &onnx_, &tflite_, &metadata_}) {
    if (*file) files.push_back(*std::exchange(*file, std::nullopt));
  }
  commit_together(files);
}

}  // namespace calib8
