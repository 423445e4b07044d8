#include "runtime/interpreter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <thread>
#include <vector>

#include "base/parallel.h"
#include "calib8/error.h"
#include "runtime/tiny_model.h"

namespace calib8 {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

void set_input(Interpreter& interpreter, std::size_t index, const std::vector<float>& values) {
  const auto input = interpreter.input_as<float>(index);
  ASSERT_EQ(input.size(), values.size());
  std::copy(values.begin(), values.end(), input.begin());
}

/// The message of the Error with which `action` ends.
template <class Action>
std::string error_of(Action action, ErrorCode code = ErrorCode::model) {
  try {
    action();
  } catch (const Error& error) {
    EXPECT_EQ(static_cast<int>(error.code()), static_cast<int>(code));
    return error.what();
  }
  ADD_FAILURE() << "no error";
  return {};
}

TEST(Interpreter, RunsOnBothKernelSetsAndAnyThreads) {
  for (const Kernels kernels : {Kernels::xnnpack, Kernels::builtin}) {
    for (const int threads : {1, 2}) {
      Interpreter interpreter(open_litert(), tiny::file(tiny::sum_and_product()), {kernels, threads});
      EXPECT_THAT(interpreter.inputs(),
                  ElementsAre(TensorInfo{"a", DType::float32, {4}}, TensorInfo{"b", DType::float32, {4}}));
      EXPECT_THAT(interpreter.outputs(), ElementsAre(TensorInfo{"sum", DType::float32, {4}},
                                                     TensorInfo{"product", DType::float32, {4}}));
      for (int round = 0; round < 3; ++round) {
        const float r = static_cast<float>(round);
        set_input(interpreter, 0, {1, 2, -3, r});
        set_input(interpreter, 1, {10, r, 5, 0.5f});
        interpreter.run();
        EXPECT_THAT(interpreter.output_as<float>(0), ElementsAre(11, 2 + r, 2, r + 0.5f));
        EXPECT_THAT(interpreter.output_as<float>(1), ElementsAre(10, 2 * r, -15, r / 2));
      }
    }
  }
}

TEST(Interpreter, AlignsItsMemoryAndStartsAtZero) {
  tiny::Model model = tiny::sum_and_product();
  model.shape = {3, 5, 7};
  Interpreter interpreter(open_litert(), tiny::file(model));
  for (std::size_t index = 0; index < 2; ++index) {
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(interpreter.input(index).data()) % 64, 0u);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(interpreter.output(index).data()) % 64, 0u);
    EXPECT_EQ(interpreter.input(index).size(), 3u * 5 * 7 * sizeof(float));
    EXPECT_THAT(interpreter.input_as<float>(index), testing::Each(0.0f));
  }
  EXPECT_EQ(interpreter.inputs()[0].shape, (Shape{3, 5, 7}));
}

TEST(Interpreter, NamesTensorsWhereThereIsNoSignature) {
  tiny::Model model = tiny::sum_and_product();
  model.signatures.clear();
  const Interpreter interpreter(open_litert(), tiny::file(model));
  EXPECT_EQ(interpreter.inputs()[1].name, "t1");
  EXPECT_EQ(interpreter.outputs()[0].name, "t2");
}

TEST(Interpreter, KeepsModelAndLibraryAliveAndMoves) {
  std::optional<Interpreter> first;
  {
    auto litert = open_litert();
    first.emplace(litert, tiny::file(tiny::sum_and_product()));
  }
  Interpreter second(open_litert(), tiny::file(tiny::sum_and_product()));
  set_input(*first, 0, {1, 1, 1, 1});
  Interpreter moved = std::move(*first);
  first.reset();
  moved.run();
  EXPECT_THAT(moved.output_as<float>(0), ElementsAre(1, 1, 1, 1));
  moved = std::move(second);
  moved.run();
  EXPECT_THAT(moved.output_as<float>(0), ElementsAre(0, 0, 0, 0));
}

TEST(Interpreter, RunsManyAtOnce) {
  const auto litert = open_litert();
  const SharedFile model = tiny::file(tiny::sum_and_product());
  parallel_for(40, 4, [&](int, std::size_t job) {
    Interpreter interpreter(
        litert, model, {job % 3 == 0 ? Kernels::builtin : Kernels::xnnpack, 1 + static_cast<int>(job % 2)});
    const float value = static_cast<float>(job);
    for (int round = 0; round < 20; ++round) {
      set_input(interpreter, 0, {value, value + 1, value, value});
      set_input(interpreter, 1, {2, 2, 2, static_cast<float>(round)});
      interpreter.run();
      EXPECT_THAT(interpreter.output_as<float>(0),
                  ElementsAre(value + 2, value + 3, value + 2, value + static_cast<float>(round)));
    }
  });
}

TEST(Interpreter, SaysWhyLiteRtRefuses) {
  tiny::Model model = tiny::sum_and_product();
  model.ops[0].version = 99;
  EXPECT_THAT(error_of([&] { Interpreter(open_litert(), tiny::file(model)); }),
              testing::AllOf(HasSubstr("LiteRT refused the model (status 3, RuntimeFailure): "),
                             HasSubstr("opcode 'ADD' version '99'")));
  model = tiny::sum_and_product();
  model.ops[0].inputs = {0, 99};
  EXPECT_THAT(error_of([&] { Interpreter(open_litert(), tiny::file(model)); }),
              testing::AllOf(HasSubstr("LiteRT can't read the model (status 501, InvalidFlatbuffer): "),
                             HasSubstr("99")));
  model = tiny::sum_and_product();
  model.type = 5;  // strings
  EXPECT_THAT(error_of([&] { Interpreter(open_litert(), tiny::file(model)); }), HasSubstr("\"a\""));
}

TEST(Interpreter, SaysWhyARunFailsAndGoesOn) {
  tiny::Model model = tiny::sum_and_product();
  model.type = 2;  // int32
  model.ops = {{tiny::floor_mod, {0, 1}, 2, tiny::floor_mod_options},
               {tiny::mul, {0, 1}, 3, tiny::mul_options}};
  Interpreter interpreter(open_litert(), tiny::file(model));
  EXPECT_EQ(interpreter.inputs()[0].dtype, DType::int32);
  for (int round = 0; round < 2; ++round) {
    const std::string message = error_of([&] { interpreter.run(); });
    EXPECT_EQ(message,
              "LiteRT could not run the model (status 3, RuntimeFailure): Division by 0; Node number 0 "
              "(FLOOR_MOD) failed "
              "to invoke.");
  }
  for (auto& value : interpreter.input_as<std::int32_t>(0)) value = 17;
  for (auto& value : interpreter.input_as<std::int32_t>(1)) value = 5;
  interpreter.run();
  EXPECT_THAT(interpreter.output_as<std::int32_t>(0), ElementsAre(2, 2, 2, 2));
}

TEST(Interpreter, RefusesEveryTruncation) {
  const Data model = tiny::write(tiny::sum_and_product());
  const auto litert = open_litert();
  std::size_t accepted = 0;
  for (std::size_t size = 0; size < model.size(); size += 3) {
    const auto bytes = model.bytes().first(size);
    try {
      Interpreter interpreter(litert, share(bytes));
      ++accepted;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::model) << error.what();
    }
  }
  EXPECT_EQ(accepted, 0u);
}

TEST(InterpreterDeathTest, IsQuietInAFreshProcess) {
  GTEST_FLAG_SET(death_test_style,
                 "threadsafe");  // starts the program anew
  const auto run = [] {
    Interpreter interpreter(open_litert(), tiny::file(tiny::sum_and_product()));
    interpreter.run();
    std::fputs("done", stderr);
    std::_Exit(0);
  };
  EXPECT_EXIT(run(), testing::ExitedWithCode(0), "^done$");
}

}  // namespace
}  // namespace calib8
