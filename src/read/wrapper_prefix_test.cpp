#include "read/wrapper_prefix.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace calib8 {
namespace {

using testing::ElementsAre;

TEST(WrapperPrefix, IsTakenOffWhereAllNamesHaveIt) {
  for (const char* wrapper :
       {"module.", "model.", "_orig_mod.", "model.module.", "module._orig_mod.", "module.module."}) {
    std::vector<std::string> names = {std::string(wrapper) + "a.weight", std::string(wrapper) + "b"};
    EXPECT_EQ(strip_wrapper_prefixes(names), wrapper);
    EXPECT_THAT(names, ElementsAre("a.weight", "b"));
  }
}

TEST(WrapperPrefix, StaysWhereOnlySomeNamesHaveIt) {
  std::vector<std::string> names = {"model.a", "head.a", "modules.b"};
  EXPECT_EQ(strip_wrapper_prefixes(names), "");
  EXPECT_THAT(names, ElementsAre("model.a", "head.a", "modules.b"));
}

TEST(WrapperPrefix, IsNeverAWholeName) {
  std::vector<std::string> names = {"model.", "model.a"};
  EXPECT_EQ(strip_wrapper_prefixes(names), "");
}

TEST(WrapperPrefix, OfInnerWrappersGoesAnywhere) {
  std::vector<std::string> names = {"backbone._orig_mod.a", "my_orig_mod.a",
                                    "x._fsdp_wrapped_module._orig_mod.b"};
  EXPECT_EQ(strip_wrapper_prefixes(names), "");
  EXPECT_THAT(names, ElementsAre("backbone.a", "my_orig_mod.a", "x.b"));
}

TEST(WrapperPrefix, StaysWhereNamesWouldClash) {
  std::vector<std::string> names = {"a._orig_mod.b", "a.b"};
  EXPECT_EQ(strip_wrapper_prefixes(names), "");
  EXPECT_THAT(names, ElementsAre("a._orig_mod.b", "a.b"));
}

TEST(WrapperPrefix, OfNoNamesIsEmpty) {
  std::vector<std::string> names;
  EXPECT_EQ(strip_wrapper_prefixes(names), "");
}

}  // namespace
}  // namespace calib8
