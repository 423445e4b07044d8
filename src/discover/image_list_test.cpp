#include "discover/image_list.h"

#include <gtest/gtest.h>

namespace calib8 {
namespace {

TEST(ImageList, SortsByTheBytesOfTheWholePathAndDropsEqualOnes) {
  ImageList list;
  list.set_root("/data");
  for (const char* path : {"a/c.jpg", "a/b/x.jpg", "a-b/y.jpg", "a.jpg", "a/b.jpg", "a/c.jpg", "\xff.jpg"})
    list.push_back({"", path, 3});
  list.sort();
  std::vector<std::string> paths;
  for (const ImageEntry& entry : list) paths.push_back(entry.relative_path);
  EXPECT_EQ(paths,
            (std::vector<std::string>{"a-b/y.jpg", "a.jpg", "a/b.jpg", "a/b/x.jpg", "a/c.jpg", "\xff.jpg"}));
  EXPECT_EQ(list[1].path, "/data/a.jpg");
  EXPECT_EQ(list[1].label, 3);
  for (std::size_t i = 0; i < paths.size(); ++i) EXPECT_EQ(list.find(paths[i]), i);
  EXPECT_FALSE(list.find("a/b"));
  list.keep_only({true, false, false, true, false, true});
  EXPECT_EQ(list.size(), 3U);
  EXPECT_EQ(list.relative_path(1), "a/b/x.jpg");
}

TEST(ImageList, WithoutLabelAndWithAbsolutePath) {
  ImageList list;
  list.set_root("/data");
  list.add("/elsewhere", "1.jpg", std::nullopt);
  EXPECT_EQ(list[0].path, "/elsewhere/1.jpg");
  EXPECT_FALSE(list[0].label);
}

}  // namespace
}  // namespace calib8
