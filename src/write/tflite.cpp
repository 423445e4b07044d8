#include "write/tflite.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <new>

#include "calib8/error.h"
#include "container/tensor_type.h"
#include "ops/tflite_op.h"
#include "write/tflite_layout.h"

namespace calib8 {
namespace {

using flatbuffers::FlatBufferBuilder;
template <class T>
using VectorOffset = flatbuffers::Offset<flatbuffers::Vector<T>>;

/// The version of the file format, which has not changed since its first release.
constexpr std::uint32_t format_version = 3;
/// The format asks for constants at multiples of 16 bytes; their owner is aligned to a cache line.
constexpr std::size_t constant_alignment = 16, file_alignment = 64;
/// Operator codes above it don't fit the format's older field, which then holds it.
constexpr std::int32_t largest_deprecated_code = 127;
/// "min_runtime_version" has a buffer of this size, padded with zeros.
constexpr std::size_t runtime_version_bytes = 16;

class AlignedAllocator final : public flatbuffers::Allocator {
 public:
  std::uint8_t* allocate(std::size_t size) override {
    return static_cast<std::uint8_t*>(::operator new(size, std::align_val_t(file_alignment)));
  }
  void deallocate(std::uint8_t* memory, std::size_t) override {
    ::operator delete(memory, std::align_val_t(file_alignment));
  }
};

/// Numbers of a release: {1, 14, 0} for "1.14.0".
std::array<int, 3> release_numbers(std::string_view text) {
  std::array<int, 3> numbers{};
  const char* position = text.data();
  const char* const end = text.data() + text.size();
  for (int& number : numbers) {
    position = std::from_chars(position, end, number).ptr;
    if (position != end) ++position;
  }
  return numbers;
}

std::string newest_release(const TfliteGraph& graph, const TfliteLayout& layout) {
  std::string newest = "1.5.0";  // the first release with this format
  for (std::size_t i = 0; i < layout.operators.size(); ++i) {
    const TfliteOp& row = tflite_op(graph[layout.operators[i]].options);
    if (!row.minimum_runtime) continue;
    const std::string_view release = row.minimum_runtime(layout.codes[layout.operator_code[i]].version);
    if (release_numbers(release) > release_numbers(newest)) newest = release;
  }
  return newest;
}

class FileWriter {
 public:
  FileWriter(const TfliteGraph& graph, const TfliteLayout& layout, const OffsetOutside& offset_outside,
             std::size_t capacity)
      : graph_(graph),
        layout_(layout),
        offset_outside_(offset_outside),
        builder_(capacity, &allocator_, false, file_alignment) {}

  Data write() {
    // The builder fills its memory from the end, so constants, written first, stand behind all else. Aligning
    // the still empty file makes its size, and so its beginning, a multiple of the alignment.
    builder_.Align(file_alignment);
    add_metadata("min_runtime_version", padded_runtime_version());
    const auto buffers = write_buffers();
    const auto codes = write_codes();
    const auto subgraph = write_subgraph();
    const auto signature = write_signature();
    const auto model = schema::CreateModel(
        builder_, format_version, codes, builder_.CreateVector(std::vector{subgraph}), 0, buffers, 0,
        builder_.CreateVector(metadata_), builder_.CreateVector(std::vector{signature}));
    schema::FinishModelBuffer(builder_, model);

    auto file = std::make_shared<flatbuffers::DetachedBuffer>(builder_.Release());
    const ByteView bytes = std::as_bytes(std::span(file->data(), file->size()));
    return Data(std::move(file), bytes);
  }

 private:
  /// One place in the file for all equal vectors.
  template <class T>
  VectorOffset<T> share(const std::vector<T>& values, std::map<std::vector<T>, VectorOffset<T>>& written) {
    const auto [entry, is_new] = written.try_emplace(values, 0);
    if (is_new) entry->second = builder_.CreateVector(values);
    return entry->second;
  }
  VectorOffset<std::int32_t> share_indices(const std::vector<TensorId>& ids) {
    std::vector<std::int32_t> indices;
    for (const TensorId id : ids) {
      indices.push_back(id.exists() ? static_cast<std::int32_t>(layout_.index_of(id)) : -1);
    }
    return share(indices, integers_);
  }

  std::string padded_runtime_version() const {
    std::string text = newest_release(graph_, layout_);
    text.resize(runtime_version_bytes);
    return text;
  }
  void add_metadata(const std::string& name, const std::string& content) {
    const auto buffer = static_cast<std::uint32_t>(layout_.buffers.size() + metadata_buffers_.size());
    metadata_buffers_.push_back(write_buffer(std::as_bytes(std::span(content))));
    metadata_.push_back(schema::CreateMetadata(builder_, builder_.CreateSharedString(name), buffer));
  }

  flatbuffers::Offset<schema::Buffer> write_buffer(ByteView bytes) {
    builder_.ForceVectorAlignment(bytes.size(), 1, constant_alignment);
    const auto data =
        builder_.CreateVector(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
    return schema::CreateBuffer(builder_, data);
  }
  VectorOffset<flatbuffers::Offset<schema::Buffer>> write_buffers() {
    std::vector<flatbuffers::Offset<schema::Buffer>> buffers;
    for (const ByteView bytes : layout_.buffers) {
      if (const auto outside = offset_outside_(bytes); outside && !bytes.empty()) {
        buffers.push_back(schema::CreateBuffer(builder_, 0, *outside, bytes.size()));
      } else {
        buffers.push_back(bytes.empty() ? schema::CreateBuffer(builder_) : write_buffer(bytes));
      }
    }
    buffers.insert(buffers.end(), metadata_buffers_.begin(), metadata_buffers_.end());
    return builder_.CreateVector(buffers);
  }

  VectorOffset<flatbuffers::Offset<schema::OperatorCode>> write_codes() {
    std::vector<flatbuffers::Offset<schema::OperatorCode>> codes;
    for (const auto& [code, version] : layout_.codes) {
      const auto deprecated = static_cast<std::int8_t>(std::min(code, largest_deprecated_code));
      codes.push_back(schema::CreateOperatorCode(builder_, deprecated, 0, version,
                                                 static_cast<schema::BuiltinOperator>(code)));
    }
    return builder_.CreateVector(codes);
  }

  flatbuffers::Offset<schema::QuantizationParameters> write_quantization(const Quantization& quantization) {
    const auto& [scales, zero_points, axis] = quantization;
    const auto [entry, is_new] = quantizations_.try_emplace({scales, zero_points, axis}, 0);
    if (is_new) {
      const auto scale_offset = share(scales, scales_);
      const auto zero_point_offset = share(zero_points, zero_points_);
      entry->second = schema::CreateQuantizationParameters(builder_, 0, 0, scale_offset, zero_point_offset,
                                                           schema::QuantizationDetails::NONE, 0, axis);
    }
    return entry->second;
  }
  VectorOffset<flatbuffers::Offset<schema::Tensor>> write_tensors() {
    std::vector<flatbuffers::Offset<schema::Tensor>> tensors;
    for (std::size_t i = 0; i < layout_.tensors.size(); ++i) {
      const TfliteTensor& tensor = graph_[layout_.tensors[i]];
      const auto shape =
          share(std::vector<std::int32_t>(tensor.shape.begin(), tensor.shape.end()), integers_);
      const auto name = builder_.CreateString(layout_.tensor_names[i]);
      flatbuffers::Offset<schema::QuantizationParameters> quantization;
      if (tensor.quantization) quantization = write_quantization(*tensor.quantization);
      tensors.push_back(schema::CreateTensor(builder_, shape, tensor_type_of(tensor.dtype),
                                             layout_.tensor_buffer[i], name, quantization));
    }
    return builder_.CreateVector(tensors);
  }

  /// A RESHAPE to a scalar has its shape in its options alone: a constant without elements has no bytes in
  /// the file, and LiteRT takes what has none for computed.
  std::vector<TensorId> written_inputs(const TfliteOperator& op) const {
    if (!op.is<tflite::Reshape>() || op.inputs.size() < 2 || !op.inputs[1].exists()) return op.inputs;
    const TfliteTensor& shape = graph_[op.inputs[1]];
    const bool is_empty = shape.is_constant() && element_count(shape.shape) == 0;
    return is_empty ? std::vector{op.inputs[0]} : op.inputs;
  }

  TfliteOp::WrittenOptions write_options(const tflite::Options& options) {
    const auto write_row = tflite_op(options).write;
    if (!write_row) return {0, 0};
    for (const auto& [known, written] : written_options_) {
      if (known == options) return written;
    }
    written_options_.emplace_back(options, write_row(builder_, options));
    return written_options_.back().second;
  }
  VectorOffset<flatbuffers::Offset<schema::Operator>> write_operators() {
    std::vector<flatbuffers::Offset<schema::Operator>> operators;
    for (std::size_t i = 0; i < layout_.operators.size(); ++i) {
      const TfliteOperator& op = graph_[layout_.operators[i]];
      const auto inputs = share_indices(written_inputs(op));
      const auto outputs = share_indices(op.outputs);
      const auto [type, offset] = write_options(op.options);
      operators.push_back(schema::CreateOperator(builder_, layout_.operator_code[i], inputs, outputs,
                                                 static_cast<schema::BuiltinOptions>(type),
                                                 flatbuffers::Offset<void>(offset)));
    }
    return builder_.CreateVector(operators);
  }

  flatbuffers::Offset<schema::SubGraph> write_subgraph() {
    std::vector<TensorId> output_ids;
    for (const TfliteOutput& output : layout_.outputs) output_ids.push_back(output.tensor);
    const auto inputs = share_indices(graph_.inputs());
    const auto outputs = share_indices(output_ids);
    const auto tensors = write_tensors();
    const auto operators = write_operators();
    return schema::CreateSubGraph(builder_, tensors, inputs, outputs, operators,
                                  builder_.CreateSharedString("main"));
  }

  flatbuffers::Offset<schema::SignatureDef> write_signature() {
    std::vector<flatbuffers::Offset<schema::TensorMap>> inputs, outputs;
    const auto entry = [&](const std::string& name, TensorId id) {
      return schema::CreateTensorMap(builder_, builder_.CreateSharedString(name), layout_.index_of(id));
    };
    for (std::size_t i = 0; i < graph_.inputs().size(); ++i) {
      const TensorId id = graph_.inputs()[i];
      inputs.push_back(entry(
          graph_.input_names.empty() ? layout_.tensor_names[layout_.index_of(id)] : graph_.input_names[i],
          id));
    }
    for (const auto& [id, name] : layout_.outputs) outputs.push_back(entry(name, id));
    const auto input_maps = builder_.CreateVector(inputs);
    const auto output_maps = builder_.CreateVector(outputs);
    return schema::CreateSignatureDef(builder_, input_maps, output_maps,
                                      builder_.CreateSharedString("serving_default"));
  }

  const TfliteGraph& graph_;
  const TfliteLayout& layout_;
  const OffsetOutside& offset_outside_;
  static inline AlignedAllocator allocator_;  // outlives every file, which goes back to it
  FlatBufferBuilder builder_;

  std::map<std::vector<std::int32_t>, VectorOffset<std::int32_t>> integers_;
  std::map<std::vector<float>, VectorOffset<float>> scales_;
  std::map<std::vector<std::int64_t>, VectorOffset<std::int64_t>> zero_points_;
  std::map<std::tuple<std::vector<float>, std::vector<std::int64_t>, std::int32_t>,
           flatbuffers::Offset<schema::QuantizationParameters>>
      quantizations_;
  std::vector<std::pair<tflite::Options, TfliteOp::WrittenOptions>> written_options_;
  std::vector<flatbuffers::Offset<schema::Metadata>> metadata_;
  std::vector<flatbuffers::Offset<schema::Buffer>> metadata_buffers_;
};

/// An upper bound of the file's size, so that the builder allocates once; memory that it doesn't touch costs
/// nothing.
std::uint64_t capacity_for(const TfliteGraph& graph, const TfliteLayout& layout,
                           std::uint64_t constant_bytes) {
  constexpr std::uint64_t fixed = 4096, per_buffer = 64, per_tensor = 192, per_operator = 256,
                          per_output = 64;
  std::uint64_t bytes = fixed + constant_bytes + per_buffer * layout.buffers.size();
  for (std::size_t i = 0; i < layout.tensors.size(); ++i) {
    const TfliteTensor& tensor = graph[layout.tensors[i]];
    const std::size_t scales = tensor.quantization ? tensor.quantization->scales.size() : 0;
    bytes += per_tensor + layout.tensor_names[i].size() + 4 * tensor.shape.size() + 12 * scales;
  }
  for (const OperatorId id : layout.operators) {
    bytes += per_operator + 4 * (graph[id].inputs.size() + graph[id].outputs.size());
  }
  for (const TfliteOutput& output : layout.outputs) bytes += per_output + output.name.size();
  return bytes;
}

}  // namespace

Data serialize_tflite(const TfliteGraph& graph, const TfliteFileOptions& options) {
  return serialize_tables(graph, options, [](ByteView) { return std::nullopt; });
}

Data serialize_tables(const TfliteGraph& graph, const TfliteFileOptions& options,
                      const OffsetOutside& offset_outside) {
  const TfliteLayout layout = lay_out(graph, options);
  std::uint64_t inside = 0;
  for (const ByteView bytes : layout.buffers) {
    if (!offset_outside(bytes)) inside += bytes.size();
  }
  const std::uint64_t capacity = capacity_for(graph, layout, inside);
  if (capacity >= FLATBUFFERS_MAX_BUFFER_SIZE - file_alignment) {
    throw Error(
        ErrorCode::model,
        fmt::format(
            "the model has {:.2f} GB of constants, and a .tflite file holds at most 2 GB: use int8 or "
            "float16 weights",
            static_cast<double>(inside) / 1e9));
  }
  return FileWriter(graph, layout, offset_outside, capacity).write();
}

}  // namespace calib8
