#include "pipeline/compare_onnx.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/subprocess.h"
#include "calib8/error.h"
#include "run/model_pool.h"

namespace calib8 {
namespace {

constexpr std::size_t most_samples = 5;
constexpr int without_onnxruntime = 3;  // exit status of calib8.compare_onnx

/// A folder of its own that goes with the object.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "calib8-XXXXXX").string();
    if (!::mkdtemp(pattern.data())) throw Error(ErrorCode::output, "cannot make a temporary folder", pattern);
    path_ = pattern;
  }
  ~TemporaryFolder() {
    std::error_code ignored;  // what can't be removed is the temporary folder's matter
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

void append(std::ofstream& file, std::span<const float> values) {
  file.write(reinterpret_cast<const char*>(values.data()), static_cast<std::streamsize>(values.size_bytes()));
}

/// inputs.f32 and outputs.f32: the samples as the TFLite model takes them, and what it gives, one behind the
/// other.
void write_arrays(const std::filesystem::path& folder, ModelInstance& model, const SampleSource& samples,
                  std::size_t count) {
  std::ofstream inputs(folder / "inputs.f32", std::ios::binary),
      outputs(folder / "outputs.f32", std::ios::binary);
  for (std::size_t i = 0; i < count; ++i) {
    const Sample sample = samples.load(i);
    append(inputs, sample.inputs.begin()->second.as<float>());
    model.run(sample, i);
    append(outputs, model.output(0));
  }
  inputs.flush();
  outputs.flush();
  if (!inputs || !outputs) throw Error(ErrorCode::output, "cannot write", folder.string());
}

/// What the process printed; nothing where it failed.
std::optional<OnnxComparison::Numbers> parse_numbers(const Finished& finished) {
  const nlohmann::json printed = nlohmann::json::parse(finished.output, nullptr, false);
  const auto is_number = [&](const char* name) {
    return printed.contains(name) && printed[name].is_number();
  };
  if (finished.status != 0 || !printed.is_object() || !is_number("samples") ||
      !is_number("largest_difference") || !is_number("largest_value"))
    return std::nullopt;
  return OnnxComparison::Numbers{printed["samples"], printed["largest_difference"], printed["largest_value"]};
}

}  // namespace

OnnxComparison compare_with_onnx(const std::filesystem::path& onnx, const FloatModel& model,
                                 const SampleSource& samples, const std::shared_ptr<const LiteRt>& litert,
                                 const std::optional<std::filesystem::path>& interpreter) {
  const TfliteGraph& graph = model.graph;
  if (graph.inputs().size() != 1 || graph.outputs().size() != 1) {
    return {"not compared: the model has several inputs or outputs", {}};
  }
  const std::size_t count = std::min(samples.size(), most_samples);
  const TemporaryFolder folder;
  ModelInstance instance(litert, runnable(graph, model.file()), {.purpose = "comparing with ONNX Runtime"});
  write_arrays(folder.path(), instance, samples, count);
  const Shape& shape = graph[graph.inputs()[0]].shape;
  std::string sizes;
  for (const std::int64_t size : shape) sizes += (sizes.empty() ? "" : ",") + std::to_string(size);

  const std::optional<std::filesystem::path> python = interpreter ? interpreter : find_python();
  if (!python) return {"not compared: there is no python3 beside calib8 or on PATH", {}};
  // Isolated (-I, and no variable of Python's): no module of the working folder or the user's takes the place
  // of an installed one.
  const Finished finished =
      run_program({*python,
                   {"-I", "-m", "calib8.compare_onnx", std::filesystem::absolute(onnx).string(),
                    folder.path().string(), sizes},
                   folder.path(),
                   {"PYTHON"}});
  if (finished.status == without_onnxruntime) {
    return {"not compared: Python has no onnxruntime (pip install onnxruntime)", {}};
  }
  const auto numbers = parse_numbers(finished);
  if (!numbers) {
    return {fmt::format("not compared: calib8.compare_onnx ended with status {} on {}", finished.status,
                        python->string()),
            {}};
  }
  return {
      fmt::format("float TFLite and model.onnx differ by at most {:.2g} on {} samples (largest value {:.3g})",
                  numbers->largest_difference, numbers->samples, numbers->largest_value),
      numbers};
}

}  // namespace calib8
