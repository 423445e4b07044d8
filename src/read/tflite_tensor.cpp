#include "read/tflite_tensor.h"

#include <fmt/format.h>

#include "base/text.h"
#include "calib8/error.h"
#include "container/tensor_type.h"

namespace calib8 {
namespace {

constexpr std::size_t largest_rank = 8;     // of LiteRT's kernels
constexpr std::size_t file_alignment = 16;  // of FlatBuffers' scalars and of constants

bool is_aligned(const std::byte* address, std::size_t alignment) {
  return reinterpret_cast<std::uintptr_t>(address) % alignment == 0;
}

Data copy(const Data& data) {
  return Data::from_vector(std::vector<std::byte>(data.bytes().begin(), data.bytes().end()));
}

[[noreturn]] void fail(const TensorReader& reader, const TfliteTensor& tensor, const std::string& message) {
  throw Error(ErrorCode::model, fmt::format("tensor '{}': {}", tensor.name, message), reader.where);
}

/// What has a meaning that a TfliteTensor can't hold.
void refuse_unsupported(const TensorReader& reader, const schema::Tensor& source,
                        const TfliteTensor& tensor) {
  const auto refuse = [&](bool present, std::string_view what) {
    if (present) fail(reader, tensor, fmt::format("{} not supported", what));
  };
  refuse(!dtype_of(source.type()),
         fmt::format("element type {} is", schema::EnumNameTensorType(source.type())));
  refuse(source.is_variable(), "variables are");
  refuse(source.sparsity() != nullptr, "sparse tensors are");
  refuse(source.variant_tensors() != nullptr && source.variant_tensors()->size() > 0, "variants are");
  refuse(source.external_buffer() != 0, "external buffer groups are");
  refuse(source.quantization() && source.quantization()->details_type() != schema::QuantizationDetails::NONE,
         "blockwise and custom quantization are");
}

Shape read_shape(const TensorReader& reader, const schema::Tensor& source, const TfliteTensor& tensor) {
  if (!source.shape()) return {};
  if (source.shape()->size() > largest_rank) {
    fail(reader, tensor,
         fmt::format("{} dimensions, more than the {} that LiteRT's kernels take", source.shape()->size(),
                     largest_rank));
  }
  Shape shape(source.shape()->begin(), source.shape()->end());
  if (!element_count(shape)) fail(reader, tensor, "impossible shape " + to_string(shape));
  return shape;
}

std::optional<Quantization> read_quantization(const TensorReader& reader, const schema::Tensor& source,
                                              const TfliteTensor& tensor) {
  const schema::QuantizationParameters* parameters = source.quantization();
  if (!parameters || !parameters->scale() || parameters->scale()->size() == 0) return std::nullopt;
  const auto& scales = *parameters->scale();
  const std::size_t zero_points = parameters->zero_point() ? parameters->zero_point()->size() : 0;
  if (zero_points != scales.size()) {
    fail(reader, tensor, fmt::format("{} scales but {} zero points", scales.size(), zero_points));
  }
  reader.budget.take(scales.size() * (sizeof(float) + sizeof(std::int64_t)), reader.where);
  Quantization quantization;
  quantization.scales.assign(scales.begin(), scales.end());
  quantization.zero_points.assign(parameters->zero_point()->begin(), parameters->zero_point()->end());
  if (scales.size() > 1) quantization.axis = parameters->quantized_dimension();
  return quantization;
}

/// The bytes of a buffer: within the FlatBuffer, or elsewhere in the file.
Data buffer_bytes(const TensorReader& reader, const schema::Buffer& buffer, const TfliteTensor& tensor) {
  const auto* begin = reinterpret_cast<const std::uint8_t*>(reader.file.bytes().data());
  if (buffer.data() && buffer.data()->size() > 0) {
    return reader.file.part(static_cast<std::size_t>(buffer.data()->data() - begin), buffer.data()->size());
  }
  if (buffer.offset() <= 1 || buffer.size() <= 1) return {};
  if (buffer.offset() > reader.file.size() || buffer.size() > reader.file.size() - buffer.offset()) {
    fail(reader, tensor, "its elements lie behind the end of the file");
  }
  return reader.file.part(buffer.offset(), buffer.size());
}

std::optional<Data> read_constant(const TensorReader& reader, const schema::Tensor& source,
                                  const TfliteTensor& tensor) {
  const auto buffers = reader.model.buffers();
  if (source.buffer() == 0) return std::nullopt;
  if (!buffers || source.buffer() >= buffers->size()) {
    fail(reader, tensor, fmt::format("buffer {} does not exist", source.buffer()));
  }
  Data data = buffer_bytes(reader, *buffers->Get(source.buffer()), tensor);
  if (data.empty()) return std::nullopt;
  // A division, as a count may be so large that its bytes don't fit 64 bits.
  const std::uint64_t count = element_count(tensor.shape).value();
  const std::size_t size = size_of(tensor.dtype);
  if (data.size() % size != 0 || data.size() / size != count) {
    fail(reader, tensor,
         fmt::format("the file holds {} bytes for {}{}", data.size(), name_of(tensor.dtype),
                     to_string(tensor.shape)));
  }
  reader.budget.take(data.size(), reader.where);  // looked at later, however often it is shared
  if (is_aligned(data.bytes().data(), size_of(tensor.dtype))) return data;
  reader.budget.take(data.size(), reader.where);
  return copy(data);
}

}  // namespace

void ReadBudget::take(std::size_t bytes, const std::string& where) {
  if (bytes > left_) {
    throw Error(ErrorCode::model, "the TFLite file repeats its vectors so often that it can't be genuine",
                where);
  }
  left_ -= bytes;
}

TfliteTensor TensorReader::read(const schema::Tensor& source) const {
  TfliteTensor tensor;
  if (source.name()) {
    budget.take(source.name()->size(), where);
    tensor.name = valid_utf8(source.name()->string_view());
  }
  refuse_unsupported(*this, source, tensor);
  tensor.dtype = *dtype_of(source.type());
  tensor.shape = read_shape(*this, source, tensor);
  tensor.quantization = read_quantization(*this, source, tensor);
  tensor.constant = read_constant(*this, source, tensor);
  return tensor;
}

Data aligned_copy_if_needed(const Data& file) {
  return is_aligned(file.bytes().data(), file_alignment) ? file : copy(file);
}

}  // namespace calib8
