#include "ops/all_ops.h"

#include <gtest/gtest.h>

#include <set>

#include "container/tflite_schema_generated.h"

namespace calib8 {
namespace {

template <std::size_t... index>
std::vector<tflite::Options> all_alternatives(std::index_sequence<index...>) {
  return {tflite::Options(std::in_place_index<index>)...};
}

const std::vector<tflite::Options> alternatives =
    all_alternatives(std::make_index_sequence<std::variant_size_v<tflite::AnyOptions>>());

TEST(AllOps, HasOneRowPerAlternative) {
  ASSERT_EQ(all_tflite_ops().size(), alternatives.size());
  std::set<std::int32_t> codes;
  for (const tflite::Options& options : alternatives) {
    const TfliteOp& row = tflite_op(options);
    EXPECT_EQ(row.name, name_of(options));
    EXPECT_EQ(find_tflite_op(row.builtin_code), &row) << row.name;
    EXPECT_TRUE(codes.insert(row.builtin_code).second) << row.name;
    EXPECT_EQ(schema::EnumNameBuiltinOperator(static_cast<schema::BuiltinOperator>(row.builtin_code)),
              row.name);
    EXPECT_NE(row.infer, nullptr) << row.name;
    EXPECT_LE(row.inputs.fewest, row.inputs.most) << row.name;
    EXPECT_NE(row.read, nullptr) << row.name;
    EXPECT_NE(row.runs_on_xnnpack, nullptr) << row.name;
    EXPECT_NE(row.minimum_runtime, nullptr) << row.name;
  }
  EXPECT_EQ(find_tflite_op(32), nullptr);  // CUSTOM
}

TEST(AllOps, HoldsAllThatIsAskedOfAnOnnxOperator) {
  for (const OnnxOp* row : all_onnx_ops()) {
    EXPECT_NE(row->infer, nullptr) << row->type;
    EXPECT_LE(row->inputs.fewest, row->inputs.most) << row->type;
    EXPECT_EQ(row->inputs.most == 0, row->type == "Constant") << row->type;
    for (const AttributeDefault& known : row->traits.defaults) EXPECT_FALSE(known.name.empty()) << row->type;
    // What is combined or kept comes from inputs.
    if (row->traits.sign != Sign::unknown) {
      EXPECT_GE(row->inputs.fewest, 1u) << row->type;
    }
  }
}

TEST(AllOps, FindsOnnxRowsByName) {
  for (const OnnxOp* row : all_onnx_ops()) EXPECT_EQ(find_onnx_op(row->type), row);
  EXPECT_NE(find_onnx_op("Conv"), nullptr);
  EXPECT_EQ(find_onnx_op("Con"), nullptr);
  EXPECT_EQ(find_onnx_op(""), nullptr);
}

/// Writes one operator's options to a file's Operator table and reads them back.
tflite::Options through_file(const tflite::Options& options) {
  flatbuffers::FlatBufferBuilder builder;
  const TfliteOp& row = tflite_op(options);
  TfliteOp::WrittenOptions table{};
  if (row.write) table = row.write(builder, options);
  schema::OperatorBuilder op(builder);
  if (row.write) {
    op.add_builtin_options_type(static_cast<schema::BuiltinOptions>(table.type));
    op.add_builtin_options(flatbuffers::Offset<void>(table.offset));
  }
  builder.Finish(op.Finish());
  return row.read(*flatbuffers::GetRoot<schema::Operator>(builder.GetBufferPointer()));
}

TEST(AllOps, OptionsSurviveTheFile) {
  for (const tflite::Options& options : alternatives) {
    EXPECT_EQ(through_file(options), options) << name_of(options);
  }
  using tflite::Activation, tflite::Padding;
  const tflite::Options examples[] = {
      tflite::Conv2D{Padding::same, 2, 3, 4, 5, Activation::relu6},
      tflite::DepthwiseConv2D{Padding::same, 2, 3, 4, 5, 6, Activation::relu},
      tflite::TransposeConv{Padding::same, 2, 3, Activation::relu},
      tflite::FullyConnected{Activation::relu, true},
      tflite::MaxPool2D{{Padding::same, 2, 3, 4, 5, Activation::relu}},
      tflite::AveragePool2D{{Padding::same, 2, 3, 4, 5, Activation::relu_n1_to_1}},
      tflite::LeakyRelu{0.25f},
      tflite::Gelu{true},
      tflite::Softmax{0.5f},
      tflite::BatchMatMul{true, false},
      tflite::BatchMatMul{false, true},
      tflite::Add{Activation::relu},
      tflite::Sub{Activation::relu6},
      tflite::Mul{Activation::relu_n1_to_1},
      tflite::Div{Activation::relu},
      tflite::Mean{true},
      tflite::Sum{true},
      tflite::ReduceMax{true},
      tflite::ReduceMin{true},
      tflite::Reshape{{1, -2, 3}},
      tflite::Concatenation{-2, Activation::relu6},
      tflite::Split{3},
      tflite::StridedSlice{1, 2, 4, 8, 16},
      tflite::ResizeBilinear{{true, false}},
      tflite::ResizeBilinear{{false, true}},
      tflite::ResizeNearestNeighbor{{true, false}},
      tflite::ResizeNearestNeighbor{{false, true}},
      tflite::DepthToSpace{3},
      tflite::SpaceToDepth{4},
      tflite::Gather{2, 1},
      tflite::MirrorPad{true},
      tflite::CumSum{true, false},
      tflite::CumSum{false, true},
      tflite::ReduceProd{true},
      tflite::Cast{DType::int32},
      tflite::Cast{DType::boolean},
      tflite::Conv3D{Padding::same, 2, 3, 4, 5, 6, 7, Activation::relu},
  };
  for (const tflite::Options& options : examples)
    EXPECT_EQ(through_file(options), options) << name_of(options);
}

}  // namespace
}  // namespace calib8
