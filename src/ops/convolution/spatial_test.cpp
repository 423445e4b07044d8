#include "ops/convolution/spatial.h"

#include <gtest/gtest.h>

#include <random>

#include "ops/small_models.h"

namespace calib8 {
namespace {

/// The elements of the input, each with its place in the window, that every window sees: the definition
/// itself.
using Taps = std::vector<std::vector<std::pair<std::int64_t, std::int64_t>>>;

Taps taps(const Window& window, std::int64_t input, std::int64_t count, std::int64_t first_start) {
  Taps result;
  for (std::int64_t i = 0; i < count; ++i) {
    auto& seen = result.emplace_back();
    for (std::int64_t k = 0; k < window.kernel; ++k) {
      const std::int64_t place = first_start + i * window.stride + k * window.dilation;
      if (place >= 0 && place < input) seen.push_back({place, k});
    }
  }
  return result;
}

/// TFLite's SAME, as its kernels compute it.
std::pair<std::int64_t, std::int64_t> same_of_tflite(const Window& window, std::int64_t input) {
  const std::int64_t count = (input + window.stride - 1) / window.stride;
  const std::int64_t total = (count - 1) * window.stride + window.extent() - input;
  return {count, total > 0 ? total / 2 : 0};
}

TEST(Spatial, PaddingFormSeesTheSameWindows) {
  const unsigned seed = 20;
  std::mt19937 random(seed);
  SCOPED_TRACE("seed " + std::to_string(seed));
  const auto draw = [&](int least, int most) {
    return std::uniform_int_distribution<int>(least, most)(random);
  };
  OnnxGraph graph;
  const OnnxNode node{"Conv", "conv", {}, {}, {}};
  const NodeView view{graph, node};
  int same = 0, valid = 0, padded = 0;
  for (int i = 0; i < 20000; ++i) {
    const Window window{draw(1, 7), draw(1, 4), draw(1, 3), draw(0, 7), draw(0, 7)};
    const std::int64_t input = draw(1, 24);
    const bool ceil_mode = draw(0, 3) == 0;
    if (input + window.pad_before + window.pad_after < window.extent()) continue;
    const std::int64_t count = window_count(view, window, input, ceil_mode);
    const PaddingForm form = padding_form({window}, {input}, {count});
    const Taps wanted = taps(window, input, count, -window.pad_before);
    SCOPED_TRACE("kernel " + std::to_string(window.kernel) + " stride " + std::to_string(window.stride) +
                 " dilation " + std::to_string(window.dilation) + " pads " +
                 std::to_string(window.pad_before) + " " + std::to_string(window.pad_after) + " input " +
                 std::to_string(input));

    const auto [same_count, same_before] = same_of_tflite(window, input);
    const bool is_same = same_count == count && same_before == window.pad_before;
    ASSERT_EQ(form.is_same, is_same);
    if (form.is_same) {
      ASSERT_EQ(taps(window, input, same_count, -same_before), wanted);
    }

    const std::int64_t room = input + form.before[0] + form.after[0];
    ASSERT_EQ((room - window.extent()) / window.stride + 1, count);
    ASSERT_EQ(taps(window, input, count, -form.before[0]), wanted);
    ASSERT_EQ(form.is_valid, form.before[0] == 0 && form.after[0] == 0);
    (form.is_valid ? valid : form.is_same ? same : padded)++;
  }
  EXPECT_GT(valid, 100);
  EXPECT_GT(same, 100);
  EXPECT_GT(padded, 100);
}

TEST(Spatial, CeilModeIgnoresWindowsThatStartInThePaddingBehind) {
  OnnxGraph graph;
  const OnnxNode node{"MaxPool", "pool", {}, {}, {}};
  const NodeView view{graph, node};
  EXPECT_EQ(window_count(view, {2, 2}, 5, false), 2);
  EXPECT_EQ(window_count(view, {2, 2}, 5, true), 3);
  EXPECT_EQ(window_count(view, {3, 2, 1, 1, 1}, 6, true), 4);
  EXPECT_EQ(window_count(view, {1, 3, 1, 0, 0}, 4, true), 2);
  EXPECT_EQ(window_count(view, {2, 3, 1, 1, 1}, 2, true), 1);  // a second would start behind the input
  EXPECT_THROW(window_count(view, {4, 1}, 3), Error);
}

TEST(Spatial, RefusesNumbersThatCannotBeRight) {
  OnnxGraph graph;
  using Ints = std::vector<std::int64_t>;
  const auto windows = [&](const std::string& attribute, OnnxAttribute value) {
    const OnnxNode node{"Conv", "conv", {}, {}, {{attribute, std::move(value)}}};
    return read_windows(NodeView{graph, node}, {3, 3}, {{8, {}}, {8, {}}});
  };
  EXPECT_THROW(windows("strides", Ints{0, 1}), Error);
  EXPECT_THROW(windows("strides", Ints{1}), Error);
  EXPECT_THROW(windows("dilations", Ints{1, std::int64_t{1} << 40}), Error);
  EXPECT_THROW(windows("pads", Ints{1, 1, -1, 1}), Error);
  EXPECT_THROW(windows("auto_pad", std::string("SOME")), Error);
  EXPECT_THROW(windows("strides", std::string("1")), Error);
  EXPECT_EQ(windows("auto_pad", std::string("SAME_UPPER"))[0].pad_before, 1);
}

}  // namespace
}  // namespace calib8
