#include "base/text.h"

#include <gtest/gtest.h>

namespace calib8 {
namespace {

TEST(Text, KeepsValidUtf8) {
  const std::string text = "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80";
  EXPECT_EQ(valid_utf8(text), text);
}

TEST(Text, ReplacesWhatIsNotUtf8) {
  const std::string mark = "\xef\xbf\xbd";
  EXPECT_EQ(valid_utf8("\xff"), mark);
  EXPECT_EQ(valid_utf8("a\xc3"), "a" + mark);                            // cut
  EXPECT_EQ(valid_utf8("\xc0\xaf"), mark + mark);                        // overlong
  EXPECT_EQ(valid_utf8("\xed\xa0\x80"), mark + mark + mark);             // surrogate
  EXPECT_EQ(valid_utf8("\xf4\x90\x80\x80"), mark + mark + mark + mark);  // beyond U+10FFFF
}

TEST(Text, ShowsNamesOnOneLine) {
  EXPECT_EQ(printable("a\nb\x7f\x1b[31m"), "\"a?b??[31m\"");
  const std::string shown = printable(std::string(1000, 'x'));
  EXPECT_LT(shown.size(), 110u);
  EXPECT_TRUE(shown.ends_with("...\""));
}

TEST(Text, OneLine) {
  EXPECT_EQ(one_line("a\nb\tc\x7f d"), "a?b?c? d");
  EXPECT_EQ(one_line("caf\xe9.jpg"), "caf\xef\xbf\xbd.jpg");
}

TEST(Text, ShowsNoCharacterThatMovesOthers) {
  const std::string odd[] = {"\xc2\x9b", "\xe2\x80\xa8", "\xe2\x80\xae", "\xe2\x81\xa6",
                             "\xd8\x9c"};  // C1, line, bidi
  for (const std::string& character : odd) {
    EXPECT_EQ(one_line("a" + character + "b"), "a?b");
    EXPECT_EQ(escaped("a" + character + "b").find(character), std::string::npos);
  }
  EXPECT_EQ(escaped("caf\xe9 \xc3\xa9\x1b"), "caf\\xe9 \xc3\xa9\\x1b");
}

TEST(Text, BoundsALine) {
  std::string text = "begin ";
  for (int i = 0; i < 10000; ++i) text += "\xe2\x82\xac";
  const std::string line = one_line(text + " end");
  EXPECT_LT(line.size(), longest_line + 20);
  EXPECT_TRUE(line.starts_with("begin ") && line.ends_with(" end"));
  EXPECT_EQ(valid_utf8(line), line);
  EXPECT_EQ(line.find("\xef\xbf\xbd"), std::string::npos) << "a character was cut in two";
  EXPECT_EQ(one_line(std::string(longest_line, 'x')), std::string(longest_line, 'x'));
}

TEST(Text, LowersCaseOfAsciiAlone) {
  EXPECT_EQ(lower_case("AbZ_1\xc3\x89"), "abz_1\xc3\x89");
}

}  // namespace
}  // namespace calib8
