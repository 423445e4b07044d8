#pragma once

#include <flatbuffers/flatbuffers.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/shared_memory.h"

/// TFLite files for the tests of this folder, which knows no graph: element-wise ops on float32 vectors,
/// written field by field with the field numbers of the TFLite schema.
namespace calib8::tiny {

struct Op {
  int builtin = 0;  ///< BuiltinOperator of the schema.
  std::vector<std::int32_t> inputs;
  std::int32_t output = 0;
  int options_type = 0;  ///< BuiltinOptions of the schema, for an empty table; 0 for none.
  int version = 1;
};
inline constexpr int add = 0, mul = 18, floor_mod = 95;
inline constexpr int add_options = 11, mul_options = 21, floor_mod_options = 72;

struct Signature {
  std::vector<std::pair<std::string, std::uint32_t>> inputs, outputs;
};

struct Model {
  std::vector<std::int32_t> shape{4};  ///< Of every tensor; -1 is dynamic.
  int type = 0;                        ///< TensorType of the schema: 0 is float32.
  int tensor_count = 0;                ///< Named t0, t1, ...
  std::vector<std::int32_t> inputs, outputs;
  std::vector<Op> ops;
  std::vector<Signature> signatures;
};

using Builder = flatbuffers::FlatBufferBuilder;
using AnyOffset = flatbuffers::Offset<void>;

/// The number in a vtable of a schema's field.
inline flatbuffers::voffset_t field(int id) {
  return static_cast<flatbuffers::voffset_t>(4 + 2 * id);
}

/// A table whose fields `fill` writes; vectors and strings are made before.
template <class Fill>
AnyOffset table(Builder& builder, Fill fill) {
  const auto start = builder.StartTable();
  fill();
  return AnyOffset(builder.EndTable(start));
}

inline AnyOffset write_signature(Builder& builder, const Signature& signature) {
  const auto maps = [&](const auto& entries) {
    std::vector<AnyOffset> offsets;
    for (const auto& [name, tensor] : entries) {
      const auto text = builder.CreateString(name);
      offsets.push_back(table(builder, [&, index = tensor] {
        builder.AddOffset(field(0), text);
        builder.AddElement<std::uint32_t>(field(1), index, 0);
      }));
    }
    return builder.CreateVector(offsets);
  };
  const auto inputs = maps(signature.inputs);
  const auto outputs = maps(signature.outputs);
  const auto key = builder.CreateString("serving_default");
  return table(builder, [&] {
    builder.AddOffset(field(0), inputs);
    builder.AddOffset(field(1), outputs);
    builder.AddOffset(field(2), key);
  });
}

inline AnyOffset write_subgraph(Builder& builder, const Model& model) {
  std::vector<AnyOffset> tensors;
  for (int index = 0; index < model.tensor_count; ++index) {
    std::vector<std::int32_t> fixed = model.shape;
    for (std::int32_t& size : fixed) size = size < 0 ? 1 : size;
    const auto shape = builder.CreateVector(fixed);
    const auto shape_signature = builder.CreateVector(model.shape);
    const auto name = builder.CreateString(std::string(1, 't').append(std::to_string(index)));
    tensors.push_back(table(builder, [&] {
      builder.AddOffset(field(0), shape);
      builder.AddElement<std::int8_t>(field(1), static_cast<std::int8_t>(model.type), 0);
      builder.AddOffset(field(3), name);
      builder.AddOffset(field(7), shape_signature);
    }));
  }
  std::vector<AnyOffset> ops;
  for (std::size_t index = 0; index < model.ops.size(); ++index) {
    const Op& op = model.ops[index];
    const auto inputs = builder.CreateVector(op.inputs);
    const auto outputs = builder.CreateVector(std::vector<std::int32_t>{op.output});
    const auto options = table(builder, [] {});
    ops.push_back(table(builder, [&] {
      builder.AddElement<std::uint32_t>(field(0), static_cast<std::uint32_t>(index), 0);
      builder.AddOffset(field(1), inputs);
      builder.AddOffset(field(2), outputs);
      builder.AddElement<std::uint8_t>(field(3), static_cast<std::uint8_t>(op.options_type), 0);
      if (op.options_type != 0) builder.AddOffset(field(4), options);
    }));
  }
  const auto tensor_vector = builder.CreateVector(tensors);
  const auto inputs = builder.CreateVector(model.inputs);
  const auto outputs = builder.CreateVector(model.outputs);
  const auto op_vector = builder.CreateVector(ops);
  return table(builder, [&] {
    builder.AddOffset(field(0), tensor_vector);
    builder.AddOffset(field(1), inputs);
    builder.AddOffset(field(2), outputs);
    builder.AddOffset(field(3), op_vector);
  });
}

/// The bytes of the file.
inline Data write(const Model& model) {
  Builder builder;
  std::vector<AnyOffset> codes;  // one for each op, in the ops' order
  for (const Op& op : model.ops) {
    codes.push_back(table(builder, [&] {
      builder.AddElement<std::int8_t>(field(0), static_cast<std::int8_t>(op.builtin), 0);
      builder.AddElement<std::int32_t>(field(2), op.version, 1);
      builder.AddElement<std::int32_t>(field(3), op.builtin, 0);
    }));
  }
  std::vector<AnyOffset> signatures;
  for (const Signature& signature : model.signatures)
    signatures.push_back(write_signature(builder, signature));
  const auto code_vector = builder.CreateVector(codes);
  const auto subgraphs = builder.CreateVector(std::vector<AnyOffset>{write_subgraph(builder, model)});
  const auto buffers =
      builder.CreateVector(std::vector<AnyOffset>{table(builder, [] {})});  // the empty buffer 0
  const auto signature_vector = builder.CreateVector(signatures);
  builder.Finish(table(builder,
                       [&] {
                         builder.AddElement<std::uint32_t>(field(0), 3, 0);
                         builder.AddOffset(field(1), code_vector);
                         builder.AddOffset(field(2), subgraphs);
                         builder.AddOffset(field(4), buffers);
                         if (!signatures.empty()) builder.AddOffset(field(7), signature_vector);
                       }),
                 "TFL3");
  const auto* begin = reinterpret_cast<const std::byte*>(builder.GetBufferPointer());
  return Data::from_vector(std::vector<std::byte>(begin, begin + builder.GetSize()));
}

/// The same for an interpreter.
inline SharedFile file(const Model& model) {
  return share(write(model).bytes());
}

/// t2 = t0 + t1, t3 = t0 * t1, with the signature a, b -> sum, product.
inline Model sum_and_product() {
  Model model;
  model.tensor_count = 4;
  model.inputs = {0, 1};
  model.outputs = {2, 3};
  model.ops = {{add, {0, 1}, 2, add_options}, {mul, {0, 1}, 3, mul_options}};
  model.signatures = {{{{"a", 0}, {"b", 1}}, {{"sum", 2}, {"product", 3}}}};
  return model;
}

}  // namespace calib8::tiny
