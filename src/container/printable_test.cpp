#include "container/printable.h"

#include <gtest/gtest.h>

namespace calib8 {
namespace {

TEST(Printable, KeepsValidUtf8) {
  const std::string text = "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80";
  EXPECT_EQ(valid_utf8(text), text);
}

TEST(Printable, ReplacesWhatIsNotUtf8) {
  const std::string mark = "\xef\xbf\xbd";
  EXPECT_EQ(valid_utf8("\xff"), mark);
  EXPECT_EQ(valid_utf8("a\xc3"), "a" + mark);                            // cut
  EXPECT_EQ(valid_utf8("\xc0\xaf"), mark + mark);                        // overlong
  EXPECT_EQ(valid_utf8("\xed\xa0\x80"), mark + mark + mark);             // surrogate
  EXPECT_EQ(valid_utf8("\xf4\x90\x80\x80"), mark + mark + mark + mark);  // beyond U+10FFFF
}

TEST(Printable, ShowsNamesOnOneLine) {
  EXPECT_EQ(printable("a\nb\x7f\x1b[31m"), "\"a?b??[31m\"");
  const std::string shown = printable(std::string(1000, 'x'));
  EXPECT_LT(shown.size(), 110u);
  EXPECT_TRUE(shown.ends_with("...\""));
}

TEST(Printable, OneLine) {
  EXPECT_EQ(one_line("a\nb\tc\x7f d"), "a?b?c? d");
  EXPECT_EQ(one_line("caf\xe9.jpg"), "caf\xef\xbf\xbd.jpg");
}

}  // namespace
}  // namespace calib8
