#include "optimize/activation_memory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "calib8/error.h"
#include "optimize/graph_builder.h"

namespace calib8::testing {
namespace {

TEST(ActivationMemory, CountsWhatIsAliveAtOnce) {
  GraphBuilder b;
  const TensorId x = b.input({100});  // 400 bytes, alive throughout
  TensorId y = b.unary(tflite::Tanh{}, x);
  for (int i = 0; i < 10; ++i) y = b.unary(tflite::Tanh{}, y);  // two of them at a time
  b.output(y);
  EXPECT_EQ(peak_activation_bytes(b.graph), 3 * 400);

  GraphBuilder branches;
  const TensorId z = branches.input({100});
  std::vector<TensorId> parts;
  for (int i = 0; i < 4; ++i) parts.push_back(branches.unary(tflite::Tanh{}, z));
  branches.output(branches.concatenation(parts, 0));
  EXPECT_EQ(peak_activation_bytes(branches.graph), (1 + 4 + 4) * 400);
}

TEST(ActivationMemory, RefusesWhatNoCalibrationCanHold) {
  const auto refuses = [](std::int64_t side, int branches) {
    GraphBuilder b;
    const TensorId x = b.reshape(b.input({side}), {side, 1}), y = b.input({1, 1 << 14});
    std::vector<TensorId> parts;
    for (int i = 0; i < branches; ++i) parts.push_back(b.emit(tflite::Mul{}, {x, y}, {side, 1 << 14}));
    TensorId sum = parts[0];
    for (const TensorId part : parts) sum = b.binary(tflite::Add{}, sum, part);
    b.output(b.emit(tflite::Mean{{true}}, {sum, b.integers({0})}, {1, 1 << 14}));
    try {
      require_runnable(b.graph);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::model);
      return true;
    }
    return false;
  };
  EXPECT_FALSE(refuses(1 << 13, 2));
  EXPECT_TRUE(refuses((1 << 14) + 1, 2));  // more than 2^28 elements
  EXPECT_TRUE(refuses(1 << 13, 9));        // nine halves of a gigabyte
}

}  // namespace
}  // namespace calib8::testing
