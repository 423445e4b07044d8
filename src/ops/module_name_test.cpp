#include "ops/module_name.h"

#include <gtest/gtest.h>

namespace calib8 {
namespace {

TEST(ModuleName, IsThatOfTheScopes) {
  EXPECT_EQ(module_name("/features/features.1/conv/conv.0/conv.0.0/Conv_output_0", "Conv"),
            "features.1.conv.0.0");
  EXPECT_EQ(module_name("/layer1/layer1.0/Add_output_0", "Add"), "layer1.0");
  EXPECT_EQ(module_name("/layer1/layer1.0/Add_1_output_0", "Add"), "layer1.0/Add_1");
  EXPECT_EQ(module_name("/Add_output_0", "Add"), "Add");
  EXPECT_EQ(module_name("conv2d_3", "Conv"), "conv2d_3");
}

}  // namespace
}  // namespace calib8
