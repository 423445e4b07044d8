#include <chrono>

#include "calib8/compare.h"
#include "calib8/version.h"
#include "optimize/activation_memory.h"
#include "optimize/optimize.h"
#include "optimize/targets/targets.h"
#include "pipeline/check_float_model.h"
#include "pipeline/check_options.h"
#include "pipeline/compare/compare_methods.h"
#include "pipeline/compare/foreign_model.h"
#include "pipeline/gate.h"
#include "pipeline/pixel_input.h"
#include "pipeline/prove.h"
#include "pipeline/small_model.h"
#include "pipeline/source.h"
#include "pipeline/take_data.h"
#include "report/comparison.h"
#include "verify/judge_outputs.h"
#include "verify/latency.h"
#include "write/tflite.h"

namespace calib8 {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// As many as prove that a classifier keeps 98 %.
constexpr std::size_t samples_to_compare_on = 200;

/// What all methods share: all samples, and those that candidates are compared on.
ExportOptions shared_options(const CompareOptions& given) {
  ExportOptions options = given;
  options.format = OutputFormat::tflite;
  options.quantize = QuantizeTo::int8;
  options.verify_samples = given.verify_samples.value_or(samples_to_compare_on);
  options.onnx_path = options.tflite_path = options.plan_out = std::nullopt;
  options.output_dir = given.keep_files.value_or(std::filesystem::temp_directory_path() / "calib8-compare");
  return options;
}

class Comparing {
 public:
  explicit Comparing(const CompareOptions& given)
      : given_(given), options_(shared_options(given)), methods_(chosen_methods(given)), run_(options_) {}

  ModelComparison compare() {
    const Clock::time_point start = Clock::now();
    read_model();
    litert_ = open_litert(options_.model.string());
    data_ = take_data(run_, *model_);
    check_float_model(run_, *model_, data_, litert_);
    std::vector<ForeignModel> others;
    for (const std::filesystem::path& path : given_.others)
      others.push_back(open_foreign_model(path, model_->graph, pixel_scaling(data_), litert_));
    tasks_ = choose_tasks(run_, *model_, data_, litert_);
    calibrate_and_run_float();
    comparison_.shared_seconds = seconds_since(start);
    for (const std::string& method : methods_) comparison_.models.push_back(measure(method));
    for (std::size_t i = 0; i < others.size(); ++i)
      comparison_.models.push_back(measure(given_.others[i].string(), others[i]));
    comparison_.calib8_version = version;
    comparison_.model = run_.report.model;
    comparison_.dataset = run_.report.dataset;
    return std::move(comparison_);
  }

 private:
  void read_model() {
    model_ = make_float_model(run_, false);
    require_runnable(model_->graph);
    require_runtime(target_);
    prepared_ = model_->graph;
    prepare_for_integers(prepared_, target_, {pass_options(options_)});
  }

  void calibrate_and_run_float() {
    const SampleSource& verification = *data_.samples.verification;
    seen_ = observe_model(run_, *model_, prepared_, target_, data_, litert_);
    float_outputs_ = std::move(seen_.outputs);
    if (float_outputs_.size() != verification.size()) run_float(verification);
    for (std::size_t i = 0; i < verification.size(); ++i) labels_.push_back(verification.load(i).label);
  }

  void run_float(const SampleSource& samples) {
    float_outputs_.assign(samples.size(), {});
    ModelPool pool(litert_, {runnable(model_->graph, model_->view().file())},
                   {run_.threads, samples.size(), "verifying"});
    pool.for_each<Sample>(
        samples.size(), [&](std::size_t index) { return samples.load(index); },
        [&](ModelPool::Worker& worker, std::size_t index, const Sample& sample) {
          worker.models.front().run(sample, index);
          float_outputs_[index] = worker.models.front().all_outputs();
        });
  }

  SmallModel make(ExportRun& run) {
    SmallModel made;
    switch (run.options.quantize) {
      case QuantizeTo::none:
        made = {model_->graph, model_->graph, serialize_tflite(model_->graph), {}};
        break;
      case QuantizeTo::float16:
      case QuantizeTo::dynamic:
        made = store_weights(run, model_->graph);
        break;
      case QuantizeTo::int8:
      case QuantizeTo::int16x8:
        made = quantize_to_integers(run, *model_, prepared_, target_, data_, tasks_, seen_, litert_);
    }
    made.float_outputs = float_outputs_;
    return made;
  }

  ComparedModel measure(const std::string& method) {
    ExportOptions options = options_of_method(given_, method);
    options.verify_samples = options_.verify_samples;
    options.note = {};  // what there is to say of a model stands in the table
    ExportRun run(options);
    run.report.model = run_.report.model;
    run.report.dataset = run_.report.dataset;
    run.report.preprocessing = run_.report.preprocessing;
    const Clock::time_point start = Clock::now();
    const SmallModel made = make(run);
    ComparedModel compared{.name = method, .bytes = made.file.size(), .seconds = seconds_since(start)};
    prove(run, *model_, made, data_, tasks_, litert_);
    compared.verification = *run.report.measured.verification;
    compared.gate = *run.report.measured.gate;
    compared.input = run.report.model_input;
    if (run.report.quantization.contains("recipe"))
      compared.recipe = run.report.quantization["recipe"].get<std::string>();
    if (!given_.keep_files) return compared;
    run.report.outputs.tflite = run.outputs.write_tflite(made.file.bytes(), stored_type(options.quantize));
    run.report.outputs.tflite->float_bytes = model_->constants.file_size();
    compared.file = run.finish(data_).tflite->string();
    return compared;
  }

  ComparedModel measure(const std::string& path, const ForeignModel& other) {
    const SampleSource& samples = *data_.samples.verification;
    ComparedModel compared{.name = path, .is_other = true, .bytes = other.bytes};
    const auto outputs = outputs_of(other, samples, litert_, run_.threads, run_.progress("verifying"));
    compared.verification =
        judge_outputs(model_->graph, {float_outputs_, outputs, labels_},
                      {data_.classes(), tasks_.verification.get(), options_.task != TaskKind::tensors});
    const Sample sample = samples.load(0);
    compared.verification.latency =
        measure_latency(runnable(model_->graph, model_->view().file()), other.runnable, sample,
                        sample_for(other, sample), litert_, VerifyOptions{}.latency_seconds);
    compared.gate = decide_gate(compared.verification, gate_limits(options_, data_));
    return compared;
  }

  const CompareOptions& given_;
  const ExportOptions options_;
  const std::vector<std::string> methods_;
  const TargetTraits& target_ = litert_cpu();
  ExportRun run_;
  std::optional<LoweredModel> model_;
  TfliteGraph prepared_;
  std::shared_ptr<const LiteRt> litert_;
  RepresentativeData data_;
  ModelTasks tasks_;
  Observations seen_;
  std::vector<std::vector<float>> float_outputs_;
  std::vector<std::optional<int>> labels_;
  ModelComparison comparison_;
};

}  // namespace

CompareResult compare_models(const CompareOptions& options) {
  check_options(options);
  const ModelComparison comparison = Comparing(options).compare();
  const Recommendation recommendation = recommend(comparison);
  std::string text =
      to_json(comparison, recommendation).dump(1, ' ', false, nlohmann::json::error_handler_t::replace) +
      "\n";
  return {summarize(comparison, recommendation), comparison.models[recommendation.model].name,
          recommendation.reason, Report([text = std::move(text)](const Report::Sink& sink) { sink(text); })};
}

}  // namespace calib8
