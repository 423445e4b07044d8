#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "calib8/choices.h"
#include "verify/verify_model.h"

// What an export tells of itself, as the stages fill it in. report_json.h makes the metadata's JSON of it,
// read_report.h reads that again, summary.h prints it. Text from files is as it was there: any bytes.

namespace calib8 {

struct ExternalFile {
  std::string file;  ///< As the model names it.
  std::uint64_t bytes = 0;
  std::string sha256;
};

/// What a network was rebuilt by, of a state_dict.
struct RebuiltDescription {
  std::string architecture, recognized_by, head;
  std::int64_t num_classes = 0;
  std::pair<std::int64_t, std::int64_t> input_size;  ///< height, width
  std::string input_size_from;
};

struct ModelDescription {
  std::string kind;  ///< "checkpoint", "onnx", "tflite"
  std::string file;  ///< Its name, without folders.
  std::uint64_t bytes = 0;
  std::string sha256;
  std::optional<RebuiltDescription> rebuilt;
  std::vector<ExternalFile> external_files;
  nlohmann::json config = nlohmann::json::object();     ///< What the file says beside its weights.
  std::string config_from = "the checkpoint's config";  ///< What that is, for people.
  std::vector<std::string> class_names;                 ///< By output, where the file names them.
  std::string class_names_from;    ///< What names them, for people; empty where nothing does.
  std::vector<std::string> notes;  ///< What was chosen while it was read, one sentence each.
};

/// The options that decide what is in the files.
struct UsedOptions {
  std::string quantize, calibration, io, model_input;
  std::uint64_t num_calib_samples = 0;
  std::optional<std::uint64_t> verify_samples;  ///< Nothing: as many as the gate needs.
  double min_agreement = 0;
  std::optional<double> min_sqnr;  ///< Nothing: as ExportOptions says.
  bool require_proof = false;
  std::uint64_t seed = 0;
  std::string effort;
  std::vector<std::string> keep_float = {};
  bool integer_only = false;
  std::string task = {};
  std::optional<double> max_map_loss = {};  ///< Nothing: as ExportOptions says.
};

struct SkippedFile {
  std::string path, reason;
};

/// What was found and used. Lists of the samples themselves are made while the text is written.
struct DatasetDescription {
  std::string layout;
  std::uint64_t calibration_samples = 0;
  std::optional<std::uint64_t> verification_samples;
  std::uint64_t calibrated_and_verified = 0;  ///< Samples of the verification that calibrate, too.
  std::uint64_t selection_samples = 0;
  /// Of data that were found on disk.
  struct Folder {
    std::string path;
    std::vector<std::string> classes;
    std::uint64_t images = 0;
    std::vector<SkippedFile> skipped;
    std::uint64_t dropped_duplicates = 0;
    std::vector<std::string> notes;
    nlohmann::json quality;  ///< Null where it wasn't looked at: arrays.
  };
  std::optional<Folder> folder;
};

struct PreprocessingDescription {
  std::string description;  ///< One line.
  std::string name, from;   ///< The preset, and what declared it.
  nlohmann::json steps;     ///< As --preprocessing takes them; with the description and the name.
};

struct WrittenFile {
  std::string path;
  std::uint64_t bytes = 0;
  std::string sha256;
  std::string type;                          ///< "float32", "float16 weights", "int8"
  std::optional<std::uint64_t> float_bytes;  ///< Of the same model in float32.
};

struct Outputs {
  std::optional<WrittenFile> onnx, tflite;
  std::optional<std::string> metadata;  ///< Its path.
};

/// How the integer model's picture is to be fed.
struct ModelInputDescription {
  bool takes_pixels = false;  ///< The picture's bytes, not what the float model takes.
  std::string type;           ///< "int8", "uint8"
  double scale = 1;           ///< Of the input tensor: what it takes is scale * (integer - zero point).
  std::int64_t zero_point = 0;
  std::string feed;  ///< "int8 RGB 224x224 (height x width): the resized picture's bytes less 128"
};

/// An output whose axes have another order in the .tflite file than in model.onnx: channels last.
struct MovedOutput {
  std::string name;
  std::vector<std::int64_t> onnx_shape, tflite_shape;
};

/// An output of model.onnx that the .tflite file gives as several, because it joins values of very different
/// size, which one integer scale can't hold.
struct SplitOutput {
  struct Part {
    std::string name;
    std::vector<std::int64_t> shape;
  };
  std::string name;
  std::vector<std::int64_t> shape;
  std::vector<Part> parts;
};

/// Whether a quantized model is good enough to be shipped.
struct GateDecision {
  Verdict verdict = Verdict::unproven;
  std::string sentence;
  std::string next_step;  ///< May be empty.
};

/// Float TFLite against model.onnx on ONNX Runtime; without numbers where that wasn't possible.
struct OnnxComparison {
  std::string description;
  struct Numbers {
    std::uint64_t samples = 0;
    double largest_difference = 0, largest_value = 0;
  };
  std::optional<Numbers> numbers;
};

/// How a preprocessing scores beside the declared one, on the same labelled images.
struct ScoredMistake {
  std::string name;
  std::string flags;      ///< What selects it, beside the flags that were given.
  int correct = 0;        ///< Images whose class the float model tells.
  int only_declared = 0;  ///< Images that only the declared preprocessing gets right,
  int only_this = 0;      ///< and those that only this one does.
  double p = 1;           ///< Of McNemar's exact test.
};

struct PreprocessingCheck {
  int images = 0;  ///< 0 where nothing could be checked; the verdict says why.
  int correct = 0;
  std::vector<ScoredMistake> mistakes;
  std::optional<ScoredMistake> better;  ///< The best of those that score more with p < 0.01.
  std::string verdict;                  ///< One sentence.
};

/// Ways to make the integer model that were measured against the float one.
struct CandidateComparison {
  struct Candidate {
    std::string name;
    double sqnr_decibels = 0;  ///< Of the outputs, each less its mean; the mean over several outputs.
  };
  std::uint64_t samples = 0;
  bool set_apart = true;              ///< The samples neither calibrated nor verify.
  std::vector<Candidate> candidates;  ///< The plain way first.
  std::size_t chosen = 0;
};

/// What computes in float in an integer model so that it passes the gate.
struct MixedPrecisionReport {
  /// Operators that follow each other, by what they write.
  struct Island {
    std::vector<std::string> outputs;
    double decibels_alone = 0;  ///< What is left of an output while they alone compute in integers.
  };
  std::vector<Island> islands;
  std::vector<std::string> float_outputs;  ///< Outputs of the model that are float32.
  double decibels_before = 0, decibels_after = 0;
  bool reached = false;  ///< What was asked for, on the samples that candidates are compared on.
  std::uint64_t trials = 0;
  double multiplications_share = 0;  ///< Of all multiplications, those in float.
};

/// What differs from run to run.
struct Measured {
  double seconds = 0;
  std::map<std::string, double> seconds_by_stage;
  std::optional<CandidateComparison> comparison;
  std::optional<MixedPrecisionReport> mixed_precision;
  std::optional<Verification> verification;
  std::optional<GateDecision> gate;
  std::optional<OnnxComparison> onnx_comparison;
  std::optional<PreprocessingCheck> preprocessing_check;
};

/// An operator of an integer model that computes in float.
struct OperatorInFloat {
  std::string op, output, reason;
};

/// Weights that the file holds as int8 beside float activations (--quantize dynamic).
struct NarrowWeights {
  std::string weights, op;
  std::string use;  ///< How the operator gets at them: "int8 kernel", "widened when loaded", "looked up"
};

struct ExportReport {
  std::string calib8_version;
  ModelDescription model;
  UsedOptions options;
  std::optional<DatasetDescription> dataset;
  std::optional<PreprocessingDescription> preprocessing;  ///< Of images.
  std::optional<ModelInputDescription> model_input;       ///< Of an integer model that takes images.
  nlohmann::json quantization;                            ///< The plan; null where there is none.
  std::vector<OperatorInFloat> float_operators;           ///< Of the plan; it says so itself, too.
  std::vector<NarrowWeights> narrow_weights;              ///< Likewise.
  std::vector<std::string> warnings;  ///< Of the float model on its data: to be mended before all else.
  std::vector<MovedOutput> moved_outputs;
  std::vector<SplitOutput> split_outputs;
  Outputs outputs;
  Measured measured;
  std::string stopped_after;  ///< The pass of --stop-after, which was reached; empty without.
};

}  // namespace calib8
