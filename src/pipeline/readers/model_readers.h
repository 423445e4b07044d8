#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "pipeline/source.h"
#include "read/weights/model_folder.h"

namespace calib8 {

/// A kind of file: how it is known, and what can be done with it.
struct ModelReader {
  std::string_view name;  ///< "an ONNX file"
  bool (*looks_like)(ByteView bytes);
  /// Makes a graph of it, and what describes it but file, bytes and sha256. Null where it holds no model.
  Source (*read)(const Data& file, const ExportOptions& options);
  /// The text of `calib8 inspect`.
  std::string (*inspect)(const Data& file, const std::filesystem::path& path, bool as_json);
  /// Whether the file is weights alone, so that --arch and --num-classes can say what they are of.
  bool holds_weights_alone = false;
  /// Whether it may leave sizes of inputs open, so that --input-shape and --input can fix them.
  bool has_open_inputs = false;
};

/// The reader for a file that begins so: the first of the table in model_readers.cpp that knows it.
const ModelReader& reader_of(ByteView bytes);

// One row of the table each, in a file of its own.
extern const ModelReader weight_index_reader, metadata_reader, tflite_reader, safetensors_reader, onnx_reader,
    exported_program_reader, checkpoint_reader;

/// Sizes of inputs that the options fix (--input-shape), before shapes are inferred.
void take_input_shapes(OnnxGraph& graph, const ExportOptions& options);

/// Values of inputs that the options fix (--input), each with a note.
void take_input_values(OnnxGraph& graph, const ExportOptions& options, Source& source);

/// Says that all real numbers become float32, where the file holds others.
void note_other_float(std::optional<DType> dtype, const ExportOptions& options);

/// Why lowering would refuse a graph; nothing where it wouldn't.
std::vector<std::string> refusals_of_lowering(OnnxGraph graph);

/// The file to read where a path is given: the path, or of a folder the weights in it
/// (read/weights/model_folder.h), and what is to be said of that choice. Fails with ErrorCode::model.
FolderWeights model_file(const std::filesystem::path& path);

/// JSON as `calib8 inspect --json` prints it.
std::string printed(const nlohmann::ordered_json& json);

}  // namespace calib8
