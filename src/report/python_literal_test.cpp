#include "report/python_literal.h"

#include <gtest/gtest.h>

namespace calib8 {
namespace {

TEST(PythonLiteral, IsAsciiAndQuoted) {
  EXPECT_EQ(python_literal("a/b c.jpg"), R"("a/b c.jpg")");
  EXPECT_EQ(python_literal("\"\"\"\\"), R"("\"\"\"\\")");
  EXPECT_EQ(python_literal("a\n\x7f\xc2\x85"), R"("a\x0a\x7f\x85")");
  EXPECT_EQ(python_literal("\xe2\x80\xae\xf0\x9f\x90\xb1"), R"("\u202e\U0001f431")");
}

TEST(PythonLiteral, KeepsBytesThatAreNotUtf8) {
  EXPECT_EQ(python_literal("\xff\xc3"), R"("\udcff\udcc3")");
  EXPECT_EQ(python_literal("\xed\xa0\x80"), R"("\udced\udca0\udc80")");
  EXPECT_EQ(python_literal("\xc0\xaf"), R"("\udcc0\udcaf")");
}

}  // namespace
}  // namespace calib8
